#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/base/instant.hpp"

// How the text of one configuration value becomes a C++ value, and back.
namespace sinew::config {

// A number of bytes: 512B, 64KiB, 20MiB, 1GiB, and the decimal kB, MB, GB. The unit is required.
struct ByteSize {
  std::uint64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

std::optional<ByteSize> parse_byte_size(std::string_view text) noexcept;
std::string format_byte_size(ByteSize size);  // in the largest binary unit that is exact

// A duration: whole numbers with units ns us ms s m h d, largest first: 250ms, 10s, 1h30m. A bare
// 0 needs no unit. No sign, no fraction.
std::optional<Duration> parse_duration(std::string_view text) noexcept;
std::string format_duration(Duration duration);

std::optional<bool> parse_boolean(std::string_view text) noexcept;          // true, false
std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;  // decimal
std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept;
std::optional<double> parse_number(std::string_view text) noexcept;  // finite
std::string format_number(double value);

// Specialised for each type of value but texts, which need no conversion.
template <class T>
struct Scalar;

template <>
struct Scalar<bool> {
  static constexpr std::string_view kNoun = "true or false";
  static std::optional<bool> parse(std::string_view text) { return parse_boolean(text); }
  static std::string print(bool value) { return value ? "true" : "false"; }
};

template <std::integral T>
struct Scalar<T> {
  static constexpr std::string_view kNoun = "an integer";
  static std::optional<T> parse(std::string_view text) {
    const auto wide = [&] {
      if constexpr (std::signed_integral<T>) {
        return parse_integer(text);
      } else {
        return parse_unsigned(text);
      }
    }();
    if (!wide || !std::in_range<T>(*wide)) return std::nullopt;
    return static_cast<T>(*wide);
  }
  static std::string print(T value) { return std::to_string(value); }
};

template <>
struct Scalar<double> {
  static constexpr std::string_view kNoun = "a number";
  static std::optional<double> parse(std::string_view text) { return parse_number(text); }
  static std::string print(double value) { return format_number(value); }
};

template <>
struct Scalar<Duration> {
  static constexpr std::string_view kNoun = "a duration (like 250ms, 10s, 1h30m)";
  static std::optional<Duration> parse(std::string_view text) { return parse_duration(text); }
  static std::string print(Duration value) { return format_duration(value); }
};

template <>
struct Scalar<ByteSize> {
  static constexpr std::string_view kNoun = "a size (like 512B, 64KiB, 20MiB)";
  static std::optional<ByteSize> parse(std::string_view text) { return parse_byte_size(text); }
  static std::string print(ByteSize value) { return format_byte_size(value); }
};

// Enumerations described with BOOST_DESCRIBE_ENUM: the enumerators' names are the values.
template <class E>
  requires boost::describe::has_describe_enumerators<E>::value
struct Scalar<E> {
  using Enumerators = boost::describe::describe_enumerators<E>;

  static inline const std::string kNoun = [] {
    std::string noun;
    boost::mp11::mp_for_each<Enumerators>(
        [&](auto each) { noun += (noun.empty() ? "one of " : ", ") + std::string(each.name); });
    return noun;
  }();
  static std::optional<E> parse(std::string_view text) {
    std::optional<E> found;
    boost::mp11::mp_for_each<Enumerators>([&](auto each) {
      if (text == each.name) found = each.value;
    });
    return found;
  }
  static std::string print(E value) {
    std::string name = "?";
    boost::mp11::mp_for_each<Enumerators>([&](auto each) {
      if (value == each.value) name = each.name;
    });
    return name;
  }
};

}  // namespace sinew::config
