#include "sinew/base/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "sinew/base/hex.hpp"

namespace sinew {
namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr std::size_t version_00_length = 55;
constexpr std::size_t trace_id_at = 3;
constexpr std::size_t span_id_at = 36;
constexpr std::size_t flags_at = 53;
constexpr std::uint8_t known_flags = 0x01;

constexpr bool is_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Reads as many lower-case digits as fill `bytes`.
bool read_bytes(std::string_view digits, std::span<std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char high = digits[2 * i];
    const char low = digits[2 * i + 1];
    if (!is_digit(high) || !is_digit(low)) return false;
    bytes[i] = static_cast<std::uint8_t>(hex_digit(high) * 16 + hex_digit(low));
  }
  return true;
}

void put(std::uint64_t value, std::span<std::uint8_t, 8> bytes) {
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}

// Zero ids are invalid by the specification; a random source gives one in 2^64 times.
std::uint64_t non_zero(std::uint64_t value) { return value == 0 ? 1 : value; }

bool acceptable_tracestate(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 0x20 && c <= 0x7e) || c == '\t'; };
  return text.size() <= TraceContext::max_tracestate && std::ranges::all_of(text, allowed);
}

template <std::size_t Size>
std::string digits(const std::array<std::uint8_t, Size>& bytes) {
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

TraceContext TraceContext::start(std::uint64_t random_hi, std::uint64_t random_lo,
                                 std::uint64_t random_span, bool sampled) {
  TraceContext context;
  const std::span<std::uint8_t, 16> id(context.trace_id_);
  put(random_hi, id.first<8>());
  put(non_zero(random_lo), id.last<8>());
  put(non_zero(random_span), context.span_id_);
  context.flags_ = sampled ? known_flags : 0;
  return context;
}

std::optional<TraceContext> TraceContext::parse(std::string_view traceparent,
                                                std::string_view tracestate) {
  if (traceparent.size() < version_00_length) return std::nullopt;
  TraceContext context;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  const bool readable = read_bytes(traceparent, version) &&
                        read_bytes(traceparent.substr(trace_id_at), context.trace_id_) &&
                        read_bytes(traceparent.substr(span_id_at), context.span_id_) &&
                        read_bytes(traceparent.substr(flags_at), flags);
  if (!readable || version[0] == 0xff) return std::nullopt;
  for (const std::size_t dash : {trace_id_at, span_id_at, flags_at}) {
    if (traceparent[dash - 1] != '-') return std::nullopt;
  }
  if (traceparent.size() > version_00_length) {
    if (version[0] == 0 || traceparent[version_00_length] != '-') return std::nullopt;
  }
  if (context.trace_id_ == TraceId{} || context.span_id_ == SpanId{}) return std::nullopt;
  // Flags this version does not know are not passed on (section 3.2.2.5).
  context.flags_ = flags[0] & known_flags;
  if (acceptable_tracestate(tracestate)) context.tracestate_ = tracestate;
  return context;
}

TraceContext TraceContext::child(std::uint64_t random) const {
  TraceContext context = *this;
  if (valid()) put(non_zero(random), context.span_id_);
  return context;
}

std::string TraceContext::traceparent() const {
  if (!valid()) return {};
  return fmt::format("00-{}-{}-{:02x}", digits(trace_id_), digits(span_id_), flags_);
}

std::string trace_id_text(const TraceContext& context) { return digits(context.trace_id()); }
std::string span_id_text(const TraceContext& context) { return digits(context.span_id()); }

}  // namespace sinew
