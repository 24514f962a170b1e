#include "sinew/base/config_scalar.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <span>

namespace sinew::config {
namespace {

struct ByteUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr ByteUnit kByteUnits[] = {
    {"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U},  {"B", 1},
    {"kB", 1'000},        {"MB", 1'000'000},    {"GB", 1'000'000'000},
};
constexpr std::size_t kBinaryUnits = 4;  // the first ones; these are printed

struct TimeUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr TimeUnit kTimeUnits[] = {
    // largest first
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
};

template <class T>
std::optional<T> parse_whole(std::string_view text) noexcept {
  T value{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [last, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || last != end) return std::nullopt;
  return value;
}

// Takes the digits at the front of `text`.
std::optional<std::uint64_t> take_digits(std::string_view& text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && text[size] >= '0' && text[size] <= '9')
    ++size;
  const auto value = parse_whole<std::uint64_t>(text.substr(0, size));
  text.remove_prefix(size);
  return value;
}

std::string_view take_letters(std::string_view& text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && text[size] >= 'a' && text[size] <= 'z')
    ++size;
  const auto letters = text.substr(0, size);
  text.remove_prefix(size);
  return letters;
}

}  // namespace

std::optional<ByteSize> parse_byte_size(std::string_view text) noexcept {
  const auto count = take_digits(text);
  if (!count) return std::nullopt;
  for (const auto& unit : kByteUnits) {
    if (text != unit.name) continue;
    ByteSize size;
    if (__builtin_mul_overflow(*count, unit.bytes, &size.bytes)) return std::nullopt;
    return size;
  }
  return std::nullopt;
}

std::string format_byte_size(ByteSize size) {
  for (const auto& unit : std::span(kByteUnits).first(kBinaryUnits)) {
    if (size.bytes != 0 && size.bytes % unit.bytes == 0) {
      return fmt::format("{}{}", size.bytes / unit.bytes, unit.name);
    }
  }
  return "0B";
}

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  // Each unit once and in order: every round consumes one or fails.
  for (const auto& unit : kTimeUnits) {
    auto rest = text;
    const auto count = take_digits(rest);
    if (!count || take_letters(rest) != unit.name) continue;
    std::int64_t part = 0;
    if (__builtin_mul_overflow(*count, unit.nanoseconds, &part)) return std::nullopt;
    if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
    text = rest;
  }
  if (!text.empty()) return std::nullopt;
  return Duration(total);
}

std::string format_duration(Duration duration) {
  if (duration < Duration::zero()) return fmt::format("{}ns", duration.count());
  std::string text;
  auto rest = duration.count();
  for (const auto& unit : kTimeUnits) {
    if (rest < unit.nanoseconds) continue;
    text += fmt::format("{}{}", rest / unit.nanoseconds, unit.name);
    rest %= unit.nanoseconds;
  }
  return text.empty() ? "0s" : text;
}

std::optional<bool> parse_boolean(std::string_view text) noexcept {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  return parse_whole<std::int64_t>(text);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept {
  return parse_whole<std::uint64_t>(text);
}

std::optional<double> parse_number(std::string_view text) noexcept {
  const auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::string format_number(double value) { return fmt::format("{}", value); }

}  // namespace sinew::config
