#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "sinew/async/stream.hpp"

namespace sinew::tls::test {

// An end of a connection in memory that arrives at once and allocates nothing after it was made.
class Pipe final : public async::Stream {
 public:
  static constexpr std::size_t capacity = 64 * 1024;

  static void connect(Pipe& one, Pipe& other) noexcept {
    one.other_ = &other;
    other.other_ = &one;
  }
  ~Pipe() override {
    if (other_ != nullptr) other_->other_ = nullptr;
  }

  async::IoResult try_read(std::span<std::byte> into) noexcept override {
    const std::size_t count = std::min(into.size(), size_);
    for (std::size_t i = 0; i < count; ++i)
      into[i] = bytes_[(first_ + i) % capacity];
    first_ = (first_ + count) % capacity;
    size_ -= count;
    if (count == 0 && ended_) return {.end_of_stream = true};
    if (count < into.size()) readable_ = ended_;
    if (count == 0) return {.error = std::make_error_code(std::errc::operation_would_block)};
    if (other_ != nullptr) other_->set_writable();
    return {.bytes = count};
  }

  async::IoResult try_write(std::span<const std::byte> from) noexcept override {
    if (other_ == nullptr) return {.error = std::make_error_code(std::errc::broken_pipe)};
    ++writes;
    const std::size_t count = other_->accept(from);
    if (count < from.size()) writable_ = false;
    if (count == 0) return {.error = std::make_error_code(std::errc::operation_would_block)};
    other_->set_readable();
    return {.bytes = count};
  }

  void shutdown_write() noexcept override {
    if (other_ == nullptr) return;
    other_->ended_ = true;
    other_->set_readable();
  }
  void close() noexcept override { shutdown_write(); }
  async::Endpoint peer() const override { return {}; }

  std::size_t writes = 0;  // what a socket's system calls would be

 private:
  std::size_t accept(std::span<const std::byte> from) noexcept {
    const std::size_t count = std::min(from.size(), capacity - size_);
    for (std::size_t i = 0; i < count; ++i)
      bytes_[(first_ + size_ + i) % capacity] = from[i];
    size_ += count;
    return count;
  }

  Pipe* other_ = nullptr;
  std::array<std::byte, capacity> bytes_{};
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  bool ended_ = false;
};

}  // namespace sinew::tls::test
