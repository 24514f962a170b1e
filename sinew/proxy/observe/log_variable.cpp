#include "sinew/proxy/observe/log_variable.hpp"

#include <algorithm>
#include <charconv>

#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::proxy {
namespace {

using Kind = LogValue::Kind;

constexpr std::string_view kRequestHeader = "http_";
constexpr std::string_view kResponseHeader = "sent_http_";

// In the order of the enumeration.
constexpr auto kNames = std::to_array<std::string_view>({"time",
                                                         "request_id",
                                                         "trace_id",
                                                         "span_id",
                                                         "client",
                                                         "peer",
                                                         "listener",
                                                         "tls_version",
                                                         "server_name",
                                                         "method",
                                                         "host",
                                                         "path",
                                                         "query",
                                                         "target",
                                                         "protocol",
                                                         "status",
                                                         "duration",
                                                         "head_duration",
                                                         "connect_duration",
                                                         "upstream_duration",
                                                         "answer_duration",
                                                         "bytes_received",
                                                         "bytes_sent",
                                                         "body_bytes_received",
                                                         "body_bytes_sent",
                                                         "route",
                                                         "service",
                                                         "cluster",
                                                         "upstream",
                                                         "upstream_host",
                                                         "upstream_status",
                                                         "attempts",
                                                         "reused",
                                                         "upgraded",
                                                         "flags",
                                                         "reason",
                                                         "http_NAME",
                                                         "sent_http_NAME"});
static_assert(kNames.size() == static_cast<std::size_t>(LogVariable::response_header) + 1);
constexpr std::size_t kPlainNames = kNames.size() - 2;

LogValue text(std::string_view value) noexcept {
  return value.empty() ? LogValue{} : LogValue{.kind = Kind::text, .text = value};
}
LogValue number(std::uint64_t value) noexcept { return {.kind = Kind::number, .number = value}; }
LogValue number_if_any(int value) noexcept {
  return value == 0 ? LogValue{} : number(static_cast<std::uint64_t>(value));
}
LogValue truth(bool value) noexcept {
  return {.kind = Kind::truth, .number = value ? std::uint64_t{1} : 0};
}

// Nothing where one of the two did not happen.
LogValue between(Instant from, Instant to) noexcept {
  if (from == Instant() || to < from) return {};
  return {.kind = Kind::seconds, .number = static_cast<std::uint64_t>((to - from).count())};
}

LogValue of_request(const ExchangeRecord& record, wire::Slice wire::RequestHead::* part) noexcept {
  if (record.request == nullptr) return {};
  return text((record.request->*part).in(record.received));
}

LogValue field_of(const wire::Head* head, wire::Bytes bytes, const LogVariableUse& use) noexcept {
  if (head == nullptr) return {};
  const wire::Field* const field = use.field_id == wire::FieldId::other
                                       ? wire::find(head->fields(), use.field, wire::as_text(bytes))
                                       : wire::find(head->fields(), use.field_id);
  return field == nullptr ? LogValue{} : text(field->value.in(bytes));
}

LogValue hex(std::span<const std::uint8_t> bytes, LogScratch& scratch) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t size = 0;
  for (const std::uint8_t byte : bytes) {
    scratch[size++] = kDigits[byte >> 4U];
    scratch[size++] = kDigits[byte & 15U];
  }
  return text({scratch.data(), size});
}

// 192.0.2.1:80, [2001:db8::1]:80
LogValue address_of(const Endpoint& endpoint, LogScratch& scratch) noexcept {
  const EndpointAddress& where = endpoint.address();
  constexpr std::size_t kBracketsAndPort = 8;
  const bool brackets = where.address.find(':') != std::string::npos;
  char* out = scratch.data();
  if (brackets) *out++ = '[';
  out += where.address.copy(out, scratch.size() - kBracketsAndPort);
  if (brackets) *out++ = ']';
  *out++ = ':';
  out = std::to_chars(out, scratch.data() + scratch.size(), where.port).ptr;
  return text({scratch.data(), static_cast<std::size_t>(out - scratch.data())});
}

LogValue protocol_of(const ExchangeRecord& record) noexcept {
  if (record.request == nullptr) return {};
  return text(record.request->version == wire::Version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1");
}

LogValue request_value(LogVariable variable, const ExchangeRecord& record) noexcept {
  using enum LogVariable;
  switch (variable) {
    case method: return of_request(record, &wire::RequestHead::method_text);
    case host: return of_request(record, &wire::RequestHead::authority);
    case query: return of_request(record, &wire::RequestHead::query);
    case target: return of_request(record, &wire::RequestHead::target);
    case path: return text(record.path);
    case protocol: return protocol_of(record);
    case client: return text(record.client);
    case peer: return text(record.peer);
    case listener: return text(record.listener);
    case tls_version: return text(record.tls_version);
    case server_name: return text(record.server_name);
    default: return {};
  }
}

LogValue way_value(LogVariable variable, const ExchangeRecord& record,
                   LogScratch& scratch) noexcept {
  using enum LogVariable;
  switch (variable) {
    case route: return record.route == nullptr ? LogValue{} : text(record.route->name);
    case service: return record.route == nullptr ? LogValue{} : text(record.route->service);
    case cluster:
      return record.cluster == nullptr ? LogValue{} : text(record.cluster->settings().name);
    case upstream:
      return record.endpoint == nullptr ? LogValue{} : address_of(*record.endpoint, scratch);
    case upstream_host:
      return record.endpoint == nullptr ? LogValue{} : text(record.endpoint->address().host);
    case upstream_status: return number_if_any(record.upstream_status);
    case attempts: return number_if_any(record.attempts);
    case reused: return truth(record.reused_connection);
    case flags: return text(write_codes(record.flags, scratch));
    case reason: return text(record.reason);
    default: return {};
  }
}

LogValue measured_value(LogVariable variable, const ExchangeRecord& record) noexcept {
  using enum LogVariable;
  switch (variable) {
    case duration: return between(record.began, record.ended);
    case head_duration: return between(record.began, record.request_head);
    case connect_duration: return between(record.request_head, record.upstream);
    case upstream_duration: return between(record.upstream, record.answer_head);
    case answer_duration: return between(record.answer_head, record.ended);
    case bytes_received: return number(record.received_bytes);
    case bytes_sent: return number(record.sent_bytes);
    case body_bytes_received: return number(record.request_body_bytes);
    case body_bytes_sent: return number(record.answer_body_bytes);
    default: return {};
  }
}

}  // namespace

std::optional<LogVariableUse> find_log_variable(std::string_view name) {
  const auto known = std::span(kNames).first(kPlainNames);
  const auto found = std::ranges::find(known, name);
  if (found != known.end())
    return LogVariableUse{.variable = static_cast<LogVariable>(found - known.begin())};
  LogVariableUse use{.variable = LogVariable::request_header};
  if (name.starts_with(kRequestHeader)) {
    name.remove_prefix(kRequestHeader.size());
  } else if (name.starts_with(kResponseHeader)) {
    name.remove_prefix(kResponseHeader.size());
    use.variable = LogVariable::response_header;
  } else {
    return std::nullopt;
  }
  const auto of_a_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || !std::ranges::all_of(name, of_a_name)) return std::nullopt;
  for (const char c : name)
    use.field += c == '_' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  use.field_id = wire::identify_field(use.field);
  return use;
}

bool carries_credentials(const LogVariableUse& use) noexcept {
  constexpr auto kSecret = std::to_array<std::string_view>(
      {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "apikey"});
  return std::ranges::find(kSecret, use.field) != kSecret.end();
}

std::span<const std::string_view> log_variable_names() noexcept { return kNames; }

LogValue value_of(const LogVariableUse& use, const ExchangeRecord& record,
                  LogScratch& scratch) noexcept {
  using enum LogVariable;
  const auto micros = static_cast<std::uint64_t>(to_micros(record.wall_began));
  switch (use.variable) {
    case time: return {.kind = Kind::time, .number = micros};
    case request_id: return text(record.request_id);
    case trace_id:
      return record.trace == nullptr ? LogValue{} : hex(record.trace->trace_id(), scratch);
    case span_id:
      return record.trace == nullptr ? LogValue{} : hex(record.trace->span_id(), scratch);
    case status: return number_if_any(record.status);
    case upgraded: return truth(record.upgraded);
    case request_header: return field_of(record.request, record.received, use);
    case response_header: return field_of(record.answer, record.answer_bytes, use);
    default: break;
  }
  if (use.variable < status) return request_value(use.variable, record);
  if (use.variable < route) return measured_value(use.variable, record);
  return way_value(use.variable, record, scratch);
}

}  // namespace sinew::proxy
