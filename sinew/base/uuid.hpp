#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/time.hpp"

namespace sinew {

// A 128-bit identifier (RFC 9562), ordered by its bytes; default-constructed it is the nil one.
class Uuid {
 public:
  static constexpr std::size_t byte_count = 16;

  constexpr Uuid() noexcept = default;
  constexpr explicit Uuid(const std::array<std::uint8_t, byte_count>& bytes) : bytes_(bytes) {}

  // The canonical text, 8-4-4-4-12 digits in either case. Throws Error invalid_input, or nullopt.
  static Uuid parse(std::string_view text);
  static std::optional<Uuid> try_parse(std::string_view text) noexcept;

  // The 16 bytes in network order, as stored in a database. `bytes()` views this object.
  // Throws Error corrupt for another length.
  static Uuid from_bytes(std::string_view bytes);
  std::string_view bytes() const noexcept {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

  constexpr bool is_nil() const noexcept { return *this == Uuid(); }
  constexpr int version() const noexcept { return bytes_[6] >> 4; }

  friend constexpr auto operator<=>(const Uuid&, const Uuid&) noexcept = default;

 private:
  std::array<std::uint8_t, byte_count> bytes_{};
};

// Lower case, 8-4-4-4-12.
std::string to_string(const Uuid& id);

// Version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then random bits; ids of later milliseconds
// compare greater. Throws Error invalid_input before 1970 and after the year 10889.
Uuid uuid_v7(Timestamp time, std::uint64_t random_hi, std::uint64_t random_lo);

// Version 5 (RFC 9562, 5.5): the same namespace and name give the same id, everywhere and always.
// For keys that a retry must find again: a saga's step and attempt, a message's copy.
Uuid derive_uuid(const Uuid& name_space, std::string_view name);

// Makes ids of version 7 that never go backwards, even within a millisecond or when the clock is
// set back (RFC 9562, 6.2, method 1: a counter of 12 bits, started at random in its lower half;
// when it is used up the id borrows the next millisecond). One generator belongs to one thread.
class UuidGenerator {
 public:
  Uuid next(Timestamp now, std::uint64_t random_hi, std::uint64_t random_lo);

 private:
  std::int64_t last_ms_ = -1;
  std::uint16_t counter_ = 0;
};

}  // namespace sinew

template <>
struct std::hash<sinew::Uuid> {
  std::size_t operator()(const sinew::Uuid& id) const noexcept {
    return std::hash<std::string_view>()(id.bytes());
  }
};
