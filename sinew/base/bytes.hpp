#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sinew {

// Immutable bytes with shared ownership: a copy costs one reference count, never the content. The
// body of a message travels in one from the transport to every handler. Copies may live on
// different threads; views stay valid as long as any copy lives.
class SharedBytes {
 public:
  SharedBytes() noexcept = default;
  SharedBytes(std::string bytes) : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}
  SharedBytes(const char* text) : SharedBytes(std::string(text)) {}

  std::string_view view() const noexcept { return bytes_ ? *bytes_ : std::string_view(); }
  std::span<const std::byte> span() const noexcept { return std::as_bytes(std::span(view())); }
  std::size_t size() const noexcept { return view().size(); }
  bool empty() const noexcept { return view().empty(); }

  friend bool operator==(const SharedBytes& a, const SharedBytes& b) noexcept {
    return a.view() == b.view();
  }

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace sinew
