#include "sinew/wire/field.hpp"

#include <array>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

struct Known {
  std::string_view name;  // lower case
  FieldId id;
};

// Sorted by length, so that a name is compared with the few of its own length only.
constexpr Known kKnown[] = {
    {"te", FieldId::te},
    {"via", FieldId::via},
    {"host", FieldId::host},
    {"date", FieldId::date},
    {"accept", FieldId::accept},
    {"cookie", FieldId::cookie},
    {"expect", FieldId::expect},
    {"server", FieldId::server},
    {"trailer", FieldId::trailer},
    {"upgrade", FieldId::upgrade},
    {"location", FieldId::location},
    {"forwarded", FieldId::forwarded},
    {"connection", FieldId::connection},
    {"keep-alive", FieldId::keep_alive},
    {"set-cookie", FieldId::set_cookie},
    {"tracestate", FieldId::tracestate},
    {"user-agent", FieldId::user_agent},
    {"traceparent", FieldId::traceparent},
    {"content-type", FieldId::content_type},
    {"x-request-id", FieldId::x_request_id},
    {"authorization", FieldId::authorization},
    {"cache-control", FieldId::cache_control},
    {"content-range", FieldId::content_range},
    {"content-length", FieldId::content_length},
    {"accept-encoding", FieldId::accept_encoding},
    {"x-forwarded-for", FieldId::x_forwarded_for},
    {"content-encoding", FieldId::content_encoding},
    {"proxy-connection", FieldId::proxy_connection},
    {"www-authenticate", FieldId::www_authenticate},
    {"x-forwarded-host", FieldId::x_forwarded_host},
    {"transfer-encoding", FieldId::transfer_encoding},
    {"x-forwarded-proto", FieldId::x_forwarded_proto},
    {"proxy-authenticate", FieldId::proxy_authenticate},
    {"proxy-authorization", FieldId::proxy_authorization},
};
constexpr std::size_t kLongest = 19;

// kFirst[n] is where names of n characters begin; kFirst[n + 1] is where they end.
constexpr std::array<std::uint8_t, kLongest + 2> kFirst = [] {
  std::array<std::uint8_t, kLongest + 2> first{};
  for (std::size_t length = 0; length < first.size(); ++length) {
    std::uint8_t shorter = 0;
    for (const Known& known : kKnown)
      shorter += known.name.size() < length ? 1 : 0;
    first[length] = shorter;
  }
  return first;
}();

// `name` has the length of `lower`. Exact for names that are tokens: no other tchar than a capital
// letter becomes a letter, and none becomes "-", by setting bit 5.
bool matches(std::string_view name, std::string_view lower) noexcept {
  unsigned difference = 0;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    difference |=
        (static_cast<unsigned char>(name[i]) | 0x20U) ^ static_cast<unsigned char>(lower[i]);
  }
  return difference == 0;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

FieldId identify_field(std::string_view name) noexcept {
  if (name.size() > kLongest) return FieldId::other;
  for (std::size_t i = kFirst[name.size()]; i < kFirst[name.size() + 1]; ++i) {
    if (matches(name, kKnown[i].name)) return kKnown[i].id;
  }
  return FieldId::other;
}

const Field* find(Fields fields, FieldId id) noexcept {
  for (const Field& field : fields) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const Field* find(Fields fields, std::string_view name, std::string_view buffer) noexcept {
  for (const Field& field : fields) {
    if (iequals(field.name.in(buffer), name)) return &field;
  }
  return nullptr;
}

bool lists_token(std::string_view list, std::string_view token) noexcept {
  bool found = false;
  for_each_token(list, [&](std::string_view element) {
    found = iequals(element, token);
    return !found;
  });
  return found;
}

namespace detail {

bool next_list_element(std::string_view& list, std::string_view& element) noexcept {
  if (list.empty()) return false;
  const std::size_t comma = list.find(',');
  element = trim(list.substr(0, comma));
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return true;
}

bool is_list_token(std::string_view element) noexcept { return is_token(element); }

}  // namespace detail
}  // namespace sinew::wire
