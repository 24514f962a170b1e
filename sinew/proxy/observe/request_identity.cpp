#include "sinew/proxy/observe/request_identity.hpp"

#include <algorithm>
#include <span>

#include "sinew/wire/field.hpp"

namespace sinew::proxy {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// Two digits a byte, at `out`; returns the place behind them.
char* write_hex(std::span<const std::uint8_t> bytes, char* out) noexcept {
  for (const std::uint8_t byte : bytes) {
    *out++ = kDigits[byte >> 4U];
    *out++ = kDigits[byte & 15U];
  }
  return out;
}

char* write_hex(std::uint64_t value, char* out) noexcept {
  for (int shift = 60; shift >= 0; shift -= 4)
    *out++ = kDigits[(value >> static_cast<unsigned>(shift)) & 15U];
  return out;
}

bool is_id_character(char c) noexcept {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool digit = c >= '0' && c <= '9';
  return letter || digit || std::string_view("-_.:+/=@~").find(c) != std::string_view::npos;
}

bool acceptable_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= RequestIdentity::kMaxIdBytes &&
         std::ranges::all_of(text, is_id_character);
}

// The value of a field that is there exactly once; empty otherwise, since of two values neither is
// the one that was meant.
std::string_view only_value(wire::Fields fields, wire::FieldId id, wire::Bytes received) noexcept {
  const wire::Field* found = nullptr;
  for (const wire::Field& field : fields) {
    if (field.id != id) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  return found == nullptr ? std::string_view() : found->value.in(received);
}

}  // namespace

void RequestIdentity::fill(const wire::RequestHead& head, wire::Bytes received, bool trusted_peer,
                           const IdentityBits& bits) noexcept {
  const auto fields = head.fields();
  const auto sent =
      trusted_peer ? only_value(fields, wire::FieldId::x_request_id, received) : std::string_view();
  if (acceptable_id(sent)) {
    id_size_ = static_cast<std::uint8_t>(sent.copy(id_.data(), id_.size()));
  } else {
    write_id(bits);
  }
  const auto parent = TraceContext::parse(only_value(fields, wire::FieldId::traceparent, received));
  continued_ = parent.has_value();
  trace_ = parent ? parent->child(bits.span)
                  : TraceContext::start(bits.trace_high, bits.trace_low, bits.span, false);
  write_traceparent();
}

void RequestIdentity::fill(const IdentityBits& bits) noexcept {
  write_id(bits);
  continued_ = false;
  trace_ = TraceContext::start(bits.trace_high, bits.trace_low, bits.span, false);
  write_traceparent();
}

void RequestIdentity::put_into(wire::OutgoingHead& head) const noexcept {
  head.set("X-Request-Id", id()).set("traceparent", traceparent());
  if (!continued_) head.remove(wire::FieldId::tracestate);
}

void RequestIdentity::write_id(const IdentityBits& bits) noexcept {
  char* const end = write_hex(bits.id_low, write_hex(bits.id_high, id_.data()));
  id_size_ = static_cast<std::uint8_t>(end - id_.data());
}

// "00-" trace-id "-" parent-id "-" flags
void RequestIdentity::write_traceparent() noexcept {
  char* out = traceparent_.data();
  *out++ = '0';
  *out++ = '0';
  *out++ = '-';
  out = write_hex(trace_.trace_id(), out);
  *out++ = '-';
  out = write_hex(trace_.span_id(), out);
  *out++ = '-';
  *out++ = '0';
  *out = trace_.sampled() ? '1' : '0';
}

}  // namespace sinew::proxy
