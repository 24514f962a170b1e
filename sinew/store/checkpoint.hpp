#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/text_form.hpp"

namespace sinew::store {

// A place in a log, opaque and totally ordered: everything up to and including it has been seen.
// Only the engine that made it knows what is inside (SQLite: a position; PostgreSQL: epoch,
// transaction and sequence). Default: before the first record.
class Checkpoint {
 public:
  static constexpr std::size_t max_bytes = 24;

  Checkpoint() = default;
  // Throws Error invalid_input beyond max_bytes. Order is that of the bytes: make them big-endian.
  static Checkpoint from_bytes(std::string_view bytes);
  static Checkpoint from_position(std::uint64_t position);
  // The inverse of to_string. Throws Error invalid_input for what to_string() does not give.
  static Checkpoint parse(std::string_view hex);

  std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }
  std::uint64_t position() const noexcept;  // the inverse of from_position; 0 for the default
  bool at_start() const noexcept { return size_ == 0; }

  friend bool operator==(const Checkpoint& a, const Checkpoint& b) {
    return a.bytes() == b.bytes();
  }
  friend std::strong_ordering operator<=>(const Checkpoint& a, const Checkpoint& b) {
    return a.bytes() <=> b.bytes();
  }

 private:
  std::array<char, max_bytes> bytes_{};
  std::uint8_t size_ = 0;
};

std::string to_string(const Checkpoint& checkpoint);  // hex, for people and JSON

}  // namespace sinew::store

// A member of requests, answers and replies.
template <>
struct sinew::TextForm<sinew::store::Checkpoint> {
  static constexpr TextInfo info{
      "a position in a log, as an answer gave it", {}, "^([0-9a-f]{2}){0,24}$"};
  static std::optional<store::Checkpoint> parse(std::string_view text);
  static std::string write(const store::Checkpoint& value) { return to_string(value); }
};
