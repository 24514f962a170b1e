#include "sinew/proxy/exchange/incoming_request.hpp"

#include "sinew/wire/chars.hpp"
#include "sinew/wire/forwarded.hpp"
#include "sinew/wire/host.hpp"

namespace sinew::proxy {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

class HeadFields final : public RequestHeaders {
 public:
  HeadFields(const wire::RequestHead& head, wire::Bytes buffer) noexcept
      : fields_(head.fields()), buffer_(wire::as_text(buffer)) {}

  bool has(std::string_view name, std::string_view value) const noexcept override {
    for (const wire::Field& field : fields_) {
      if (wire::iequals(field.name.in(buffer_), name) &&
          wire::iequals(field.value.in(buffer_), value)) {
        return true;
      }
    }
    return false;
  }

 private:
  wire::Fields fields_;
  std::string_view buffer_;
};

// Whether a certificate that was shown for one name is one for another name as well (RFC 9110,
// section 15.5.20: who came for one server must not be served by another's rules).
bool misdirected(const ClientConnectionFacts& connection, const tls::ServerContext* context,
                 std::string_view host) noexcept {
  if (!connection.tls || connection.server_name.empty() || context == nullptr) return false;
  if (host == connection.server_name) return false;
  return context->certificate_for(host) != context->certificate_for(connection.server_name);
}

// The last address of a list that no trusted proxy has, or the last one.
std::optional<wire::IpAddress> address_of(const wire::RequestHead& head, wire::Bytes buffer,
                                          const ListenerSettings& listener) noexcept {
  const wire::Field* field = find(head.fields(), listener.client_field, wire::as_text(buffer));
  if (field == nullptr) return std::nullopt;
  std::string_view rest = field->value.in(buffer);
  std::optional<wire::IpAddress> found;
  while (!rest.empty()) {
    const std::size_t comma = rest.rfind(',');
    std::string_view text = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    text = text.substr(0, text.find_last_not_of(" \t") + 1);
    const auto address = wire::parse_ip(text);
    if (!address) return found;
    found = address;
    if (!listener.client_recursive || !contains(listener.trusted, *address)) return found;
  }
  return found;
}

}  // namespace

std::optional<Refusal> IncomingRequest::understand(
    const wire::RequestHead& parsed, wire::Bytes buffer, const ClientConnectionFacts& connection,
    const ListenerSettings& listener, const Snapshot& snapshot, std::span<char> space) noexcept {
  head = &parsed;
  received = buffer;
  scheme = connection.tls ? "https" : "http";
  original_host = parsed.authority.in(buffer);
  take_client(connection, listener);
  if (parsed.method == wire::Method::connect || parsed.method == wire::Method::trace) {
    return Refusal{501, ResponseFlag::malformed_request, "Method not implemented", {}};
  }
  if (const auto refusal = take_names(listener, space)) return refusal;
  return take_route(connection, listener, snapshot);
}

std::optional<Refusal> IncomingRequest::take_names(const ListenerSettings& listener,
                                                   std::span<char> space) noexcept {
  const auto authority = wire::split_authority(head->authority.in(received));
  const auto canonical = wire::canonical_host(authority.host, space.first(wire::kMaxHostBytes));
  if (!canonical && !authority.host.empty()) {
    return Refusal{400, ResponseFlag::malformed_request, "Bad request", "bad_host"};
  }
  if (canonical) host = *canonical;
  port = authority.port.value_or(scheme == "https" ? kHttpsPort : kHttpPort);

  std::string_view raw = head->path.in(received);
  if (head->form == wire::TargetForm::asterisk) raw = "/";
  const auto clean = wire::canonical_path(raw, listener.path, space.subspan(wire::kMaxHostBytes));
  if (!clean) return Refusal{400, ResponseFlag::malformed_request, "Bad request", "bad_target"};
  path = clean->text;
  path_changed = clean->changed || head->form != wire::TargetForm::origin;
  return std::nullopt;
}

void IncomingRequest::take_client(const ClientConnectionFacts& connection,
                                  const ListenerSettings& listener) noexcept {
  client = connection.peer;
  trusted_peer = !listener.trusted.empty() && contains(listener.trusted, connection.peer);
  if (!trusted_peer) return;
  if (!listener.client_field.empty()) {
    if (const auto address = address_of(*head, received, listener)) client = *address;
  }
  const auto standard = wire::read_forwarded(*head, received);
  const auto way = standard.count > 0 ? standard : wire::read_x_forwarded(*head, received);
  const wire::ForwardedHop* hop = wire::client_hop(
      way, [&](const wire::IpAddress& address) { return contains(listener.trusted, address); });
  if (hop == nullptr) return;
  if (listener.client_field.empty()) client = *hop->address;
  if (hop->proto == "https" || hop->proto == "http") scheme = hop->proto;
  if (!hop->host.empty()) original_host = hop->host;
}

std::optional<Refusal> IncomingRequest::take_route(const ClientConnectionFacts& connection,
                                                   const ListenerSettings& listener,
                                                   const Snapshot& snapshot) noexcept {
  const tls::ServerContext* context =
      listener.tls_context ? listener.tls_context.get() : snapshot.tls.get();
  if (misdirected(connection, context, host)) {
    return Refusal{421, ResponseFlag::malformed_request, "Misdirected request",
                   "the Host is not one of the certificate that was shown"};
  }
  const HeadFields fields(*head, received);
  const auto match = snapshot.table.match({.method = head->method_text.in(received),
                                           .host = host,
                                           .port = port,
                                           .path = path,
                                           .tls = connection.tls,
                                           .sni = connection.server_name,
                                           .headers = &fields});
  if (!match) {
    return Refusal{404, ResponseFlag::no_route, "no Route matched with those values", {}};
  }
  route = &snapshot.routes[match->route];
  prefix = match->prefix;
  const bool allowed = scheme == "https" ? route->https : route->http;
  if (allowed) return std::nullopt;
  return Refusal{scheme == "https" ? 400 : route->https_redirect,
                 ResponseFlag::wrong_scheme,
                 "Please use HTTPS protocol",
                 {}};
}

}  // namespace sinew::proxy
