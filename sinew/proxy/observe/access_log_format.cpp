#include "sinew/proxy/observe/access_log_format.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/time.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::proxy {
namespace {

using Kind = LogValue::Kind;

// Of a value that is no text, with quotes: the time.
constexpr std::size_t kMaxNumberBytes = AccessLogFormat::Clock::kBytes + 2;

constexpr auto kDefaultJson = std::to_array<const char*>({"time",
                                                          "request_id",
                                                          "trace_id",
                                                          "client",
                                                          "method",
                                                          "host",
                                                          "path",
                                                          "status",
                                                          "duration",
                                                          "connect_duration",
                                                          "upstream_duration",
                                                          "bytes_received",
                                                          "bytes_sent",
                                                          "route",
                                                          "service",
                                                          "upstream",
                                                          "upstream_status",
                                                          "attempts",
                                                          "flags",
                                                          "reason",
                                                          "http_user_agent"});

template <typename Word>
void put_ends(std::string_view text, char* out) noexcept {
  Word first;
  Word last;
  std::memcpy(&first, text.data(), sizeof first);
  std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + text.size() - sizeof last, &last, sizeof last);
}

// Most texts of a format are short: for these two moves that overlap instead of a call.
char* put(std::string_view text, char* out) noexcept {
  const std::size_t size = text.size();
  if (size > 2 * sizeof(std::uint64_t)) {
    std::memcpy(out, text.data(), size);
  } else if (size >= sizeof(std::uint64_t)) {
    put_ends<std::uint64_t>(text, out);
  } else if (size >= sizeof(std::uint32_t)) {
    put_ends<std::uint32_t>(text, out);
  } else {
    for (std::size_t i = 0; i < size; ++i)
      out[i] = text[i];
  }
  return out + size;
}

char* put_digits(std::uint64_t value, int count, char* out) noexcept {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + count;
}

char* put_number(std::uint64_t value, char* out) noexcept {
  constexpr int kDigits = 20;
  return std::to_chars(out, out + kDigits, value).ptr;
}

// 0.001234
char* put_seconds(std::uint64_t nanoseconds, char* out) noexcept {
  const std::uint64_t micros = nanoseconds / 1'000;
  out = put_number(micros / 1'000'000, out);
  *out++ = '.';
  return put_digits(micros % 1'000'000, 6, out);
}

// The room that is left for texts: each takes its share with its escapes counted in full.
class Room {
 public:
  explicit Room(std::size_t bytes) : bytes_(bytes) {}

  std::string_view cut(std::string_view text) const noexcept {
    const std::size_t most = std::min(kMaxLogValueBytes, bytes_ / kEscapedBytes);
    return text.size() <= most ? text : utf8_prefix(text, most);
  }
  void took(std::size_t bytes) noexcept { bytes_ -= bytes; }

 private:
  std::size_t bytes_;
};

// Everything but a text.
char* put_plain(const LogValue& value, AccessLogFormat::Clock& clock, char* out) noexcept {
  switch (value.kind) {
    case Kind::number: return put_number(value.number, out);
    case Kind::seconds: return put_seconds(value.number, out);
    case Kind::time: return clock.write(value.number, out);
    case Kind::truth: return put(value.number != 0 ? "true" : "false", out);
    default: return out;
  }
}

std::string allowed() {
  return fmt::format("allowed are {}", fmt::join(log_variable_names(), ", "));
}

// The variable of that name; what is wrong with it goes into `problems`.
LogVariableUse find(std::string_view name, std::vector<std::string>& problems) {
  const auto use = find_log_variable(name);
  if (!use) {
    problems.push_back(fmt::format("\"{}\" is no variable of the access log", name));
    return {};
  }
  if (carries_credentials(*use))
    problems.push_back(fmt::format("\"{}\" carries credentials and is not logged", name));
  return *use;
}

void refuse(const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  throw Error(Condition::invalid_input, fmt::format("the format of the access log: {}; {}",
                                                    fmt::join(problems, "; "), allowed()));
}

bool is_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Takes the name behind a dollar sign off the front of `rest`; with or without braces. Empty: there
// is none.
std::string_view take_name(std::string_view& rest) {
  const bool braces = rest.starts_with('{');
  const auto text = rest.substr(braces ? 1 : 0);
  const auto end = std::ranges::find_if_not(text, is_name);
  const auto name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  if (name.empty() || (braces && (end == text.end() || *end != '}'))) return {};
  rest = text.substr(name.size() + (braces ? 1 : 0));
  return name;
}

}  // namespace

char* AccessLogFormat::Clock::write(std::uint64_t micros, char* out) noexcept {
  const std::uint64_t second = micros / 1'000'000;
  if (second != second_) {
    const auto time = Timestamp(std::chrono::seconds(second));
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::uint64_t of_day = second % 86'400;
    char* at = text_.data();
    at = put_digits(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4, at);
    *at++ = '-';
    at = put_digits(static_cast<unsigned>(date.month()), 2, at);
    *at++ = '-';
    at = put_digits(static_cast<unsigned>(date.day()), 2, at);
    *at++ = 'T';
    at = put_digits(of_day / 3'600, 2, at);
    *at++ = ':';
    at = put_digits(of_day / 60 % 60, 2, at);
    *at++ = ':';
    put_digits(of_day % 60, 2, at);
    second_ = second;
  }
  out = put({text_.data(), text_.size()}, out);
  *out++ = '.';
  out = put_digits(micros / 1'000 % 1'000, 3, out);
  *out++ = 'Z';
  return out;
}

AccessLogFormat AccessLogFormat::json() {
  const std::vector<std::string> variables(kDefaultJson.begin(), kDefaultJson.end());
  return json(variables);
}

AccessLogFormat AccessLogFormat::json(std::span<const std::string> variables) {
  AccessLogFormat format;
  format.json_ = true;
  std::vector<std::string> problems;
  if (variables.empty()) problems.emplace_back("it names no variable");
  std::vector<std::string_view> seen;
  for (const std::string& name : variables) {
    if (std::ranges::find(seen, name) != seen.end())
      problems.push_back(fmt::format("\"{}\" is named twice", name));
    seen.push_back(name);
    format.add(fmt::format(",\"{}\":", name), find(name, problems), LogEscape::json);
  }
  refuse(problems);
  format.end_ = "}\n";
  format.reserve_fixed_bytes();
  return format;
}

AccessLogFormat AccessLogFormat::text(std::string_view text) {
  AccessLogFormat format;
  std::vector<std::string> problems;
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (text.empty()) problems.emplace_back("it is empty");
  if (std::ranges::any_of(text, control)) problems.emplace_back("it has control characters");
  bool quoted = false;
  std::string before;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '$' || text.starts_with('$')) {
      if (c == '$') text.remove_prefix(1);
      if (c == '"') quoted = !quoted;
      before += c;
      continue;
    }
    const auto name = take_name(text);
    if (name.empty()) {
      problems.emplace_back("behind a dollar sign stands no name ($$ is a dollar sign)");
      continue;
    }
    format.add(std::exchange(before, {}), find(name, problems),
               quoted ? LogEscape::quoted : LogEscape::bare);
  }
  format.end_ = before + '\n';
  refuse(problems);
  format.reserve_fixed_bytes();
  return format;
}

void AccessLogFormat::add(std::string before, LogVariableUse use, LogEscape escape) {
  parts_.push_back({std::move(before), std::move(use), escape});
}

void AccessLogFormat::reserve_fixed_bytes() {
  std::size_t fixed = end_.size() + 1;
  for (const Part& part : parts_)
    fixed += part.before.size() + kMaxNumberBytes;
  if (fixed <= kMaxLogLineBytes / 2) {
    text_bytes_ = kMaxLogLineBytes - fixed;
    return;
  }
  throw Error(Condition::invalid_input,
              fmt::format("the format of the access log is too long: it leaves less than half of a "
                          "line ({} bytes) for texts",
                          kMaxLogLineBytes));
}

std::string_view AccessLogFormat::write(const ExchangeRecord& record, Clock& clock,
                                        Line& line) const noexcept {
  return json_ ? write_json(record, clock, line) : write_text(record, clock, line);
}

std::string_view AccessLogFormat::write_json(const ExchangeRecord& record, Clock& clock,
                                             Line& line) const noexcept {
  Room room(text_bytes_);
  LogScratch scratch;
  char* out = line.data();
  for (const Part& part : parts_) {
    const LogValue value = value_of(part.use, record, scratch);
    if (value.kind == Kind::absent) continue;
    out = put(part.before, out);
    const bool quotes = value.kind == Kind::text || value.kind == Kind::time;
    if (quotes) *out++ = '"';
    if (value.kind == Kind::text) {
      char* const end = write_escaped(room.cut(value.text), LogEscape::json, out);
      room.took(static_cast<std::size_t>(end - out));
      out = end;
    } else {
      out = put_plain(value, clock, out);
    }
    if (quotes) *out++ = '"';
  }
  if (out == line.data()) out = put(",", out);
  line.front() = '{';  // in place of the first comma
  out = put(end_, out);
  return {line.data(), static_cast<std::size_t>(out - line.data())};
}

std::string_view AccessLogFormat::write_text(const ExchangeRecord& record, Clock& clock,
                                             Line& line) const noexcept {
  Room room(text_bytes_);
  LogScratch scratch;
  char* out = line.data();
  for (const Part& part : parts_) {
    const LogValue value = value_of(part.use, record, scratch);
    out = put(part.before, out);
    if (value.kind == Kind::absent) {
      *out++ = '-';
    } else if (value.kind == Kind::text) {
      char* const end = write_escaped(room.cut(value.text), part.escape, out);
      room.took(static_cast<std::size_t>(end - out));
      out = end;
    } else {
      out = put_plain(value, clock, out);
    }
  }
  out = put(end_, out);
  return {line.data(), static_cast<std::size_t>(out - line.data())};
}

}  // namespace sinew::proxy
