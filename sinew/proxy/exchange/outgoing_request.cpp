#include "sinew/proxy/exchange/outgoing_request.hpp"

#include <array>
#include <charconv>

#include "sinew/wire/forwarded.hpp"
#include "sinew/wire/hop_by_hop.hpp"
#include "sinew/wire/outgoing_head.hpp"

namespace sinew::proxy {
namespace {

using wire::OutgoingHead;

// Of what is noted of a request beside itself: beyond it the note is left out, so that a request
// within the limits of heads always fits.
constexpr std::size_t kLongestNote = 512;

// Text that lives until the head is flushed, at the end of the scratch that the writer fills from
// its beginning.
class Tail {
 public:
  explicit Tail(std::span<char> space) noexcept : space_(space) {}

  std::span<char> room() const noexcept { return space_; }
  std::string_view join(std::string_view first, std::string_view second) noexcept {
    if (first.size() + second.size() > space_.size()) return {};
    first.copy(space_.data(), first.size());
    second.copy(space_.data() + first.size(), second.size());
    const std::string_view text(space_.data(), first.size() + second.size());
    space_ = space_.subspan(text.size());
    return text;
  }

 private:
  std::span<char> space_;
};

void put_target(const IncomingRequest& request, OutgoingHead& head, Tail& tail) noexcept {
  const Route& route = *request.route;
  const auto [base, slash, rest] =
      join_path(route.upstream_path, request.path, request.prefix, route.strip_path);
  const bool as_it_came = !request.path_changed && base.size() == 1 && !route.strip_path;
  if (as_it_came || request.head->form == wire::TargetForm::asterisk) return;
  if (rest.empty()) {
    head.target(base, slash);
  } else if (slash.empty()) {
    head.target(base, rest);
  } else {
    head.target(tail.join(base, slash), rest);
  }
}

void put_host(const OutgoingRequest& outgoing, OutgoingHead& head, Tail& tail) noexcept {
  const Route& route = *outgoing.request.route;
  const bool has_host = !outgoing.request.head->authority.empty();
  if (route.preserve_host && has_host) {
    // An absolute target has lost its authority, and Host agrees with it: it goes as it came.
    return;
  }
  if (!route.upstream_host.empty()) {
    head.set("Host", route.upstream_host);
    return;
  }
  const EndpointAddress& address = outgoing.endpoint.address();
  std::array<char, 8> port = {':'};
  const auto end = std::to_chars(port.data() + 1, port.data() + port.size(), address.port).ptr;
  head.set("Host", tail.join(address.host, {port.data(), end}));
}

// Who has asked, for those behind. What an untrusted peer claimed is gone before.
void put_forwarding(const OutgoingRequest& outgoing, OutgoingHead& head) noexcept {
  const IncomingRequest& request = outgoing.request;
  std::array<char, 1024> forwarded_for;
  const auto value =
      wire::write_x_forwarded_for(*request.head, request.received, request.trusted_peer,
                                  outgoing.connection.peer, forwarded_for);
  head.remove(wire::forwarding_fields(*request.head, request.received));
  std::array<char, wire::kIpTextBytes> peer;
  head.add("X-Forwarded-For", value ? *value : wire::write_ip(outgoing.connection.peer, peer));
  head.add("X-Forwarded-Proto", request.scheme);
  if (!request.original_host.empty() && request.original_host.size() <= kLongestNote) {
    head.add("X-Forwarded-Host", request.original_host);
  }
  std::array<char, 8> port;
  const auto end =
      std::to_chars(port.data(), port.data() + port.size(), outgoing.connection.local_port).ptr;
  head.add("X-Forwarded-Port", {port.data(), end});
  if (request.path.size() <= kLongestNote) {
    head.add("X-Forwarded-Path", request.path);
    if (request.route->strip_path && request.prefix > 1) {
      head.add("X-Forwarded-Prefix", request.path.substr(0, request.prefix));
    }
  }
  std::array<char, wire::kIpTextBytes> client;
  head.add("X-Real-IP", wire::write_ip(request.client, client));
}

void put_via(const OutgoingRequest& outgoing, OutgoingHead& head) noexcept {
  const bool old = outgoing.request.head->version == wire::Version::http_1_0;
  std::array<char, 128> via;
  const std::string_view version = old ? "1.0 " : "1.1 ";
  const std::string_view name = outgoing.pseudonym.substr(0, via.size() - version.size());
  version.copy(via.data(), version.size());
  name.copy(via.data() + version.size(), name.size());
  head.add("Via", {via.data(), version.size() + name.size()});
}

OutFraming put_framing(const OutgoingRequest& outgoing, OutgoingHead& head) noexcept {
  if (outgoing.length) {
    head.content_length(*outgoing.length);
    return *outgoing.length > 0 ? OutFraming::length : OutFraming::none;
  }
  switch (outgoing.request.head->framing.kind) {
    case wire::Framing::Kind::none: return OutFraming::none;
    case wire::Framing::Kind::length:
      if (!outgoing.rechunk) return OutFraming::length;
      break;
    default: break;
  }
  head.chunked();
  return OutFraming::chunked;
}

void put_connection(const OutgoingRequest& outgoing, OutgoingHead& head) noexcept {
  if (!outgoing.upgrade.empty()) {
    head.add("Connection", "upgrade").add("Upgrade", outgoing.upgrade);
  } else if (wire::accepts_trailers(*outgoing.request.head, outgoing.request.received)) {
    head.add("Connection", "TE").add("TE", "trailers");
  }
}

}  // namespace

wire::Fault put_request_head(const OutgoingRequest& outgoing, Http1Out& out) noexcept {
  // Enough for the longest host with its port, and for a service's path.
  static constexpr std::size_t kTail = 1024;
  const IncomingRequest& request = outgoing.request;
  const std::span<std::byte> scratch = out.scratch();
  const auto tail_bytes = scratch.last(kTail);
  Tail tail({reinterpret_cast<char*>(tail_bytes.data()), tail_bytes.size()});
  OutgoingHead head(*request.head, request.received, scratch.first(scratch.size() - kTail));
  head.remove(wire::hop_by_hop(*request.head, request.received));
  if (outgoing.answered_expect) head.remove(wire::FieldId::expect);
  put_target(request, head, tail);
  put_host(outgoing, head, tail);
  put_forwarding(outgoing, head);
  outgoing.identity.put_into(head);
  put_via(outgoing, head);
  put_connection(outgoing, head);
  const OutFraming framing = put_framing(outgoing, head);
  if (outgoing.edits != nullptr) outgoing.edits->apply(head);
  return out.head(head, framing);
}

}  // namespace sinew::proxy
