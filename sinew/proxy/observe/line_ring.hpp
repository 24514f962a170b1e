#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sinew::proxy {

// Lines on their way from one thread to another, in a buffer of fixed size: what does not fit is
// dropped and counted, nobody waits. What lies in it are whole lines.
class LineRing {
 public:
  // `bytes` is a power of two. The memory is not touched before it is used.
  explicit LineRing(std::size_t bytes);
  LineRing(const LineRing&) = delete;
  LineRing& operator=(const LineRing&) = delete;

  // By the writing thread alone. False: there is no room, and the line is lost.
  bool push(std::string_view line) noexcept;
  // Whether more than half of it is full, as the writing thread sees it.
  bool crowded() const noexcept;

  // The rest is for the reading thread alone. What lies in it.
  std::size_t size() const noexcept;
  // Moves what is there into `out`, from the oldest on, but no line in
  // part, unless one alone does not fit. Returns the bytes.
  std::size_t take(std::span<char> out) noexcept;

  // From any thread.
  std::uint64_t pushed() const noexcept { return pushed_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  void copy_out(std::uint64_t from, std::span<char> out) const noexcept;

  std::size_t mask_;
  std::unique_ptr<char[]> bytes_;
  // Positions grow for ever; the place in the buffer is the position and mask_.
  alignas(64) std::atomic<std::uint64_t> end_ = 0;  // the writer's
  std::uint64_t begin_seen_ = 0;                    // the writer's last look at begin_
  std::atomic<std::uint64_t> pushed_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
  alignas(64) std::atomic<std::uint64_t> begin_ = 0;  // the reader's
};

}  // namespace sinew::proxy
