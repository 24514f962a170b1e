#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sinew::wire {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A part of a buffer by offset, so that it outlives the buffer's growth and relocation. Of 32 bits:
// what a codec holds at once is bounded far below 4 GiB by its limits.
struct Slice {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;

  bool empty() const noexcept { return length == 0; }

  // `buffer` is the one the slice was made for, or a copy of it.
  std::string_view in(std::string_view buffer) const noexcept {
    return {buffer.data() + offset, length};
  }
  std::string_view in(Bytes buffer) const noexcept { return in(as_text(buffer)); }
};

// How far a parser has come with the bytes it was given.
enum class Progress : std::uint8_t {
  incomplete,  // call again with the same bytes and more behind them
  complete,    // the result may be read
  refused,     // fault() says why; the parser takes nothing more until reset
};

}  // namespace sinew::wire
