#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/hop_by_hop.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::wire {

// Who sent a request on, as the next one has noted it: an element of Forwarded (RFC 7239), or of
// X-Forwarded-For with what X-Forwarded-Proto and -Host say beside it. Views of the parsed buffer.
struct ForwardedHop {
  // Of the node, where it is one; "unknown" and obfuscated ones ("_gate") have none.
  std::optional<IpAddress> address;
  std::string_view node;   // without port, brackets and quotes
  std::string_view proto;  // empty where not said
  std::string_view host;   // empty where not said
};

// Elements looked at, from the last. A chain of more proxies than that is no honest one.
inline constexpr std::size_t kMaxForwardedHops = 16;

// The way a request came, its last step first.
struct ForwardedHops {
  std::array<ForwardedHop, kMaxForwardedHops> storage;
  std::size_t count = 0;

  std::span<const ForwardedHop> hops() const noexcept { return {storage.data(), count}; }
};

// All elements of all lines, the last kMaxForwardedHops of them. A line that is not what RFC 7239
// has it be ends the reading: what stands before it is not believed. In X-Forwarded-For the last
// X-Forwarded-Proto and -Host go with the last hop, since the others cannot be told apart.
ForwardedHops read_forwarded(const Head& head, Bytes buffer) noexcept;
ForwardedHops read_x_forwarded(const Head& head, Bytes buffer) noexcept;

// Which of the hops is the client, where the peer itself is trusted (else the peer is the client,
// and none of its words counts): walking back from the peer, the first hop that is not trusted;
// where all are, the farthest. A hop without an address ends the walk at the one behind it.
// `trusted(const IpAddress&)` knows the proxies of the configuration. Nullptr: the peer itself.
template <typename Trusted>
const ForwardedHop* client_hop(const ForwardedHops& way, Trusted trusted) {
  const ForwardedHop* client = nullptr;
  for (const ForwardedHop& hop : way.hops()) {
    if (!hop.address) break;
    client = &hop;
    if (!trusted(*hop.address)) break;
  }
  return client;
}

// The same by number: `proxies` trusted ones stand in front of this one, the peer included, from 1;
// the client is what the first of them noted. Nullptr where the way is shorter than that.
const ForwardedHop* client_behind(const ForwardedHops& way, std::size_t proxies) noexcept;

// Every field by which a sender can claim to be somebody else: Forwarded, X-Forwarded-anything,
// X-Real-IP. What an untrusted peer says there is taken out before the request goes on.
FieldSet forwarding_fields(const Head& head, Bytes buffer) noexcept;

// What this proxy notes of the hop that it saw itself.
struct SeenHop {
  IpAddress client;        // the peer's address
  std::string_view proto;  // "http" or "https"
  std::string_view host;   // as the client sent it; empty where there is none
};

// An element of Forwarded for `hop`, quoted where RFC 7239 demands it, into `out`. Faults:
// no_space; bad_host where the host cannot stand in a quoted string.
std::expected<std::string_view, Fault> write_forwarded(const SeenHop& hop,
                                                       std::span<char> out) noexcept;

// The value of the one X-Forwarded-For to send on: what came, joined, if `peer_trusted`, and the
// peer's address behind it. Faults: no_space.
std::expected<std::string_view, Fault> write_x_forwarded_for(const Head& head, Bytes buffer,
                                                             bool peer_trusted,
                                                             const IpAddress& peer,
                                                             std::span<char> out) noexcept;

}  // namespace sinew::wire
