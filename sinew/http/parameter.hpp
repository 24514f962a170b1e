#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "sinew/base/error.hpp"
#include "sinew/base/text_form.hpp"

namespace sinew::http {

// A type with `static T parse(std::string_view)` that throws Error invalid_input: Decimal, ids.
template <class T>
concept Parsed = requires(std::string_view text) {
  { T::parse(text) } -> std::convertible_to<T>;
};

// A type with a TextForm: Uuid, Date, Timestamp, and those of your own.
template <class T>
concept Written = requires(std::string_view text) {
  { TextForm<T>::parse(text) } -> std::convertible_to<std::optional<T>>;
};

// What a path or query parameter can be read as.
template <class T>
concept Parameter = Parsed<T> || Written<T> || std::integral<T> || std::same_as<T, std::string>;

// Throws Error invalid_input: "parameter limit: expected ..., got ...".
[[noreturn]] void refuse_parameter(std::string_view name, std::string_view text,
                                   std::string_view expected);

// `text` as a T: whole numbers in decimal within T's range, `true` or `false`, or as T is written.
template <Parameter T>
T parse_parameter(std::string_view name, std::string_view text) {
  if constexpr (std::same_as<T, std::string>) {
    return std::string(text);
  } else if constexpr (std::same_as<T, bool>) {
    if (text != "true" && text != "false") refuse_parameter(name, text, "true or false");
    return text == "true";
  } else if constexpr (Written<T>) {
    const auto value = TextForm<T>::parse(text);
    if (!value) refuse_parameter(name, text, TextForm<T>::info.expected);
    return *value;
  } else if constexpr (Parsed<T>) {
    try {
      return T::parse(text);
    } catch (const Error& error) {
      refuse_parameter(name, text, error.detail());
    }
  } else {
    T value{};
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
      refuse_parameter(name, text, "a whole number in range");
    }
    return value;
  }
}

}  // namespace sinew::http
