#include "sinew/context/position.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "sinew/base/error.hpp"
#include "sinew/wire/chars.hpp"

namespace sinew::context {
namespace {

[[noreturn]] void refuse_position(std::string_view context, std::string_view what) {
  throw Error(Condition::invalid_input,
              fmt::format("{}: {}: expected what an answer of {} said in {}, such as {}",
                          min_position_field, what, context, position_field,
                          write_position(context, store::Checkpoint::from_position(1))));
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Up to `mark`, which is taken off too; marks in quoted strings are none.
std::string_view take_until(std::string_view& text, char mark) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != mark); ++end) {
    if (text[end] == '"') quoted = !quoted;
  }
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trim(taken);
}

// The seconds of a preference `wait=5`; nothing for any other one.
std::optional<Duration> wait_of(std::string_view preference) {
  std::string_view value = take_until(preference, ';');
  if (!wire::iequals(take_until(value, '='), "wait")) return std::nullopt;
  value = trim(value);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  std::uint64_t seconds = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (value.empty() || read.ptr != value.data() + value.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) return longest_view_patience;
  constexpr std::uint64_t longest =
      std::chrono::duration_cast<std::chrono::seconds>(longest_view_patience).count();
  return std::chrono::seconds(std::min(seconds, longest));
}

// Of the first preference that says it: the others count for nothing.
Duration preferred_patience(const http::Headers& headers) {
  for (const http::Header& field : headers) {
    if (!wire::iequals(field.name, "Prefer")) continue;
    for (std::string_view list = field.value; !list.empty();) {
      if (const auto wait = wait_of(take_until(list, ','))) return *wait;
    }
  }
  return view_patience;
}

}  // namespace

std::string write_position(std::string_view context, const store::Checkpoint& position) {
  return fmt::format("{}:{}", context, to_string(position));
}

store::Checkpoint read_position(std::string_view context, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) {
    refuse_position(context, "this is no position");
  }
  if (text.substr(0, colon) != context) {
    refuse_position(context, "this is no place in the log of " + std::string(context));
  }
  try {
    return store::Checkpoint::parse(text.substr(colon + 1));
  } catch (const Error& error) {
    refuse_position(context, error.detail());
  }
}

std::optional<ViewWait> requested_wait(std::string_view context, const http::Request& request) {
  const auto fields = std::ranges::count_if(request.headers, [](const http::Header& field) {
    return wire::iequals(field.name, min_position_field);
  });
  if (fields == 0) return std::nullopt;
  if (fields > 1) refuse_position(context, "it stands there more than once");
  return ViewWait{read_position(context, request.headers.get(min_position_field)),
                  preferred_patience(request.headers)};
}

}  // namespace sinew::context
