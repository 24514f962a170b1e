#include "sinew/wire/framing.hpp"

#include "sinew/wire/chars.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::wire {
namespace {

// Before the value and behind it there is only what every reader leaves out.
bool stands_plainly(const Field& field, std::string_view received) noexcept {
  const std::size_t colon = field.name.offset + field.name.length;
  const std::string_view before = received.substr(colon, field.value.offset - colon);
  return before.find('\t') == std::string_view::npos &&
         received[field.value.offset + field.value.length] == '\r';
}

// "_" for "-" in the names of the fields which frame a message.
bool frames_by_alias(std::string_view name) noexcept {
  return iequals(name, "content_length") || iequals(name, "transfer_encoding");
}

// A list of codings that ends in its only `chunked` is well framed, but not spoken here.
Fault coding_fault(std::string_view value) noexcept {
  bool chunked_last = false;
  unsigned chunked_count = 0;
  const bool tokens = for_each_token(value, [&](std::string_view coding) {
    chunked_last = iequals(coding, "chunked");
    chunked_count += chunked_last ? 1 : 0;
    return true;
  });
  return tokens && chunked_last && chunked_count == 1 ? Fault::unsupported_transfer_coding
                                                      : Fault::bad_transfer_coding;
}

bool is_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5) return false;
  unsigned port = 0;
  for (const char c : text) {
    if (!is(c, kDigit)) return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port <= 65535;
}

}  // namespace

bool parse_length(std::string_view text, std::uint64_t& value) noexcept {
  constexpr std::size_t kMostDigits = 18;  // 10^18 - 1 fits int64 with room to add lengths up
  if (text.empty() || text.size() > kMostDigits) return false;
  if (text.front() == '0' && text.size() > 1) return false;
  value = 0;
  for (const char c : text) {
    if (!is(c, kDigit)) return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

Fault parse_version(std::string_view text, Version& version) noexcept {
  if (text == "HTTP/1.1") {
    version = Version::http_1_1;
    return Fault::none;
  }
  if (text == "HTTP/1.0") {
    version = Version::http_1_0;
    return Fault::none;
  }
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && is(text[5], kDigit) &&
                           text[6] == '.' && is(text[7], kDigit);
  return well_formed ? Fault::unsupported_version : Fault::bad_version;
}

bool is_authority(std::string_view text, bool port_demanded) noexcept {
  std::size_t host_end = 0;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const auto address = parse_ip(text.substr(1, close - 1));
    if (!address || address->family != IpAddress::Family::v6) return false;
    host_end = close + 1;
  } else {
    host_end = run(text, kHost);
    if (host_end == 0) return false;
  }
  if (host_end == text.size()) return !port_demanded;
  return text[host_end] == ':' && is_port(text.substr(host_end + 1));
}

Fault MessageFields::gather(const Head& head, std::string_view received) noexcept {
  for (const Field& field : head.fields()) {
    const Fault fault = add(field, received);
    if (fault != Fault::none) return fault;
  }
  if (chunked && has_length) return Fault::length_and_coding;
  if (chunked && head.version == Version::http_1_0) return Fault::transfer_coding_in_http_1_0;
  return Fault::none;
}

Fault MessageFields::add(const Field& field, std::string_view received) noexcept {
  switch (field.id) {
    case FieldId::content_length:
      return stands_plainly(field, received) ? add_length(field.value.in(received))
                                             : Fault::bad_content_length;
    case FieldId::transfer_encoding:
      return stands_plainly(field, received) ? add_coding(field.value.in(received))
                                             : Fault::bad_transfer_coding;
    case FieldId::connection: return add_connection(field.value.in(received));
    case FieldId::host:
      if (host != nullptr) return Fault::repeated_host;
      if (!stands_plainly(field, received)) return Fault::bad_host;
      host = &field;
      return Fault::none;
    case FieldId::expect:
      if (expect != nullptr || !stands_plainly(field, received)) {
        return Fault::unsupported_expectation;
      }
      expect = &field;
      return Fault::none;
    case FieldId::upgrade: upgrade_field = true; return Fault::none;
    case FieldId::other:
      return frames_by_alias(field.name.in(received)) ? Fault::bad_field_name : Fault::none;
    default: return Fault::none;
  }
}

Fault MessageFields::add_length(std::string_view value) noexcept {
  if (has_length) return Fault::repeated_content_length;
  has_length = true;
  return parse_length(value, length) ? Fault::none : Fault::bad_content_length;
}

Fault MessageFields::add_coding(std::string_view value) noexcept {
  if (chunked) return Fault::repeated_transfer_coding;
  chunked = true;
  return iequals(value, "chunked") ? Fault::none : coding_fault(value);
}

Fault MessageFields::add_connection(std::string_view value) noexcept {
  const bool tokens = for_each_token(value, [this](std::string_view option) {
    close = close || iequals(option, "close");
    keep_alive = keep_alive || iequals(option, "keep-alive");
    upgrade_listed = upgrade_listed || iequals(option, "upgrade");
    return true;
  });
  return tokens ? Fault::none : Fault::bad_connection;
}

}  // namespace sinew::wire
