#include "sinew/gateway/process_values.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/wire/chars.hpp"

namespace sinew::gateway {
namespace {

constexpr std::size_t kMaxParts = 1'000;  // of a list
constexpr std::size_t kMaxListens = 64;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// The parts of a text, trimmed; at most one more than kMaxParts.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size() && parts.size() <= kMaxParts;) {
    const auto end = std::min(text.find(separator, begin), text.size());
    const auto part = trimmed(text.substr(begin, end - begin));
    if (separator != ' ' || !part.empty()) parts.push_back(part);
    begin = end + 1;
  }
  return parts;
}

bool apply_flag(std::string_view flag, Listen& listen) {
  constexpr std::string_view kBacklog = "backlog=";
  if (flag.starts_with(kBacklog)) {
    const auto backlog = config::parse_unsigned(flag.substr(kBacklog.size()));
    if (!backlog || *backlog < 1 || *backlog > 65'535) return false;
    listen.backlog = static_cast<int>(*backlog);
    return true;
  }
  listen.ssl |= flag == "ssl";
  listen.http2 |= flag == "http2";
  listen.proxy_protocol |= flag == "proxy_protocol";
  // The last three change nothing: every worker has its own socket, bound to its address.
  constexpr std::array<std::string_view, 6> kFlags{"ssl",       "http2",    "proxy_protocol",
                                                   "reuseport", "deferred", "bind"};
  return std::ranges::find(kFlags, flag) != kFlags.end();
}

std::optional<Listen> read_listen(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.empty()) return std::nullopt;
  const auto address = ListenAddressRule::read(words.front());
  if (!address) return std::nullopt;
  Listen listen;
  listen.address = {*address};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!apply_flag(words[i], listen)) return std::nullopt;
  }
  return listen;
}

std::string print_listen(const Listen& listen) {
  std::string text = listen.address.text;
  if (listen.ssl) text += " ssl";
  if (listen.http2) text += " http2";
  if (listen.proxy_protocol) text += " proxy_protocol";
  if (listen.backlog != 0) text += fmt::format(" backlog={}", listen.backlog);
  return text;
}

template <class List>
std::string joined(const List& texts) {
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::optional<std::string> LogTargetRule::read(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 4'096 && !text.contains(' ');
  return fits ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<std::string> RealIpHeaderRule::read(std::string_view text) {
  return FieldNameRule::read(text);
}

std::optional<std::string> UserAndGroupRule::read(std::string_view text) {
  const auto words = split(text, ' ');
  const bool names = std::ranges::all_of(
      words, [](std::string_view word) { return wire::all(word, wire::kUnreserved); });
  if (words.empty() || words.size() > 2 || !names) return std::nullopt;
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace sinew::gateway

namespace sinew::config {

using namespace gateway;

template <>
std::optional<Listens> ProcessScalar<Listens>::parse(std::string_view text) {
  Listens listens;
  if (text == "off") return listens;
  for (const auto part : split(text, ',')) {
    const auto listen = read_listen(part);
    if (!listen || listens.entries.size() == kMaxListens) return std::nullopt;
    listens.entries.push_back(*listen);
  }
  return listens;
}
template <>
std::string ProcessScalar<Listens>::print(const Listens& value) {
  std::vector<std::string> texts;
  for (const auto& listen : value.entries)
    texts.push_back(print_listen(listen));
  return texts.empty() ? "off" : joined(texts);
}

template <>
std::optional<Workers> ProcessScalar<Workers>::parse(std::string_view text) {
  if (text == "auto") return Workers();
  const auto count = parse_unsigned(text);
  if (!count || *count < 1 || *count > 1'024) return std::nullopt;
  return Workers{static_cast<int>(*count)};
}
template <>
std::string ProcessScalar<Workers>::print(const Workers& value) {
  return value.count == 0 ? "auto" : std::to_string(value.count);
}

template <>
std::optional<Switch> ProcessScalar<Switch>::parse(std::string_view text) {
  if (text == "on" || text == "true") return Switch{true};
  if (text == "off" || text == "false") return Switch{false};
  return std::nullopt;
}
template <>
std::string ProcessScalar<Switch>::print(const Switch& value) {
  return value.on ? "on" : "off";
}

template <>
std::optional<NginxSize> ProcessScalar<NginxSize>::parse(std::string_view text) {
  std::uint64_t unit = 1;
  if (!text.empty()) {
    const char last = text.back();
    if (last == 'k' || last == 'K') unit = 1ULL << 10U;
    if (last == 'm' || last == 'M') unit = 1ULL << 20U;
    if (last == 'g' || last == 'G') unit = 1ULL << 30U;
  }
  if (unit != 1) text.remove_suffix(1);
  const auto count = parse_unsigned(text);
  NginxSize size;
  if (!count || __builtin_mul_overflow(*count, unit, &size.bytes)) return std::nullopt;
  return size;
}
template <>
std::string ProcessScalar<NginxSize>::print(const NginxSize& value) {
  return std::to_string(value.bytes);
}

template <>
std::optional<NginxTime> ProcessScalar<NginxTime>::parse(std::string_view text) {
  const bool bare = !text.empty() && wire::all(text, wire::kDigit);
  const auto time = parse_duration(bare ? std::string(text) + "s" : std::string(text));
  if (!time || *time > std::chrono::hours(24)) return std::nullopt;
  return NginxTime{*time};
}
template <>
std::string ProcessScalar<NginxTime>::print(const NginxTime& value) {
  return format_duration(value.time);
}

template <>
std::optional<AddressRanges> ProcessScalar<AddressRanges>::parse(std::string_view text) {
  AddressRanges ranges;
  for (const auto part : split(text, ',')) {
    auto range = AddressRangeRule::read(part);
    if (!range || ranges.ranges.size() == kMaxParts) return std::nullopt;
    ranges.ranges.push_back({std::move(*range)});
  }
  return ranges;
}
template <>
std::string ProcessScalar<AddressRanges>::print(const AddressRanges& value) {
  std::vector<std::string> texts;
  for (const auto& range : value.ranges)
    texts.push_back(range.text);
  return joined(texts);
}

template <>
std::optional<FilePaths> ProcessScalar<FilePaths>::parse(std::string_view text) {
  FilePaths files;
  for (const auto part : split(text, ',')) {
    if (!part.starts_with('/') || files.paths.size() == kMaxParts) return std::nullopt;
    files.paths.emplace_back(part);
  }
  return files;
}
template <>
std::string ProcessScalar<FilePaths>::print(const FilePaths& value) {
  return joined(value.paths);
}

template <>
std::optional<TlsVersions> ProcessScalar<TlsVersions>::parse(std::string_view text) {
  TlsVersions versions{false, false};
  for (const auto word : split(text, ' ')) {
    if (word != "TLSv1.2" && word != "TLSv1.3") return std::nullopt;
    (word == "TLSv1.2" ? versions.tls_1_2 : versions.tls_1_3) = true;
  }
  return versions.tls_1_2 || versions.tls_1_3 ? std::optional(versions) : std::nullopt;
}
template <>
std::string ProcessScalar<TlsVersions>::print(const TlsVersions& value) {
  if (!value.tls_1_3) return "TLSv1.2";
  return value.tls_1_2 ? "TLSv1.2 TLSv1.3" : "TLSv1.3";
}

}  // namespace sinew::config
