#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sinew/proxy/observe/response_flag.hpp"
#include "sinew/proxy/snapshot.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::proxy {

// What is known of a connection before its first request.
struct ClientConnectionFacts {
  wire::IpAddress peer;  // the other end, or who it says it speaks for (PROXY protocol)
  std::uint16_t peer_port = 0;
  std::string peer_text;      // address and port
  std::string listener_text;  // address and port
  std::uint16_t local_port = 0;
  bool tls = false;
  std::string server_name;  // SNI in lower case; empty: none
  std::string tls_version;
};

// Why a request gets an answer of our own. `message` and `reason` are of static storage.
struct Refusal {
  int status;
  ResponseFlag flag;
  std::string_view message;  // for the client
  std::string_view reason;   // for the log; empty: the message
};

// A request whose head is whole, as routing and forwarding see it: one form of its path and host,
// its client, its route. Views are of the head's buffer, of `space` and of the snapshot.
struct IncomingRequest {
  const wire::RequestHead* head = nullptr;
  wire::Bytes received;

  std::string_view path;           // canonical
  bool path_changed = false;       // other than it came
  std::string_view host;           // canonical, without port
  std::uint16_t port = 0;          // of Host, or the scheme's
  std::string_view scheme;         // of the client's own connection, as far as it may be believed
  std::string_view original_host;  // as the client asked for it, with its port
  wire::IpAddress client;
  bool trusted_peer = false;  // what the peer says of forwarding counts

  const Route* route = nullptr;
  std::uint32_t prefix = 0;  // of the path, that the route matched

  // Reads and routes it. Nothing: it can go on. `space`, where texts of its own are put, holds
  // kSpace bytes more than the path.
  static constexpr std::size_t kSpace = 512;
  std::optional<Refusal> understand(const wire::RequestHead& parsed, wire::Bytes buffer,
                                    const ClientConnectionFacts& connection,
                                    const ListenerSettings& listener, const Snapshot& snapshot,
                                    std::span<char> space) noexcept;

 private:
  std::optional<Refusal> take_names(const ListenerSettings& listener,
                                    std::span<char> space) noexcept;
  void take_client(const ClientConnectionFacts& connection,
                   const ListenerSettings& listener) noexcept;
  std::optional<Refusal> take_route(const ClientConnectionFacts& connection,
                                    const ListenerSettings& listener,
                                    const Snapshot& snapshot) noexcept;
};

}  // namespace sinew::proxy
