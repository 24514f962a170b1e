#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct ssl_session_st;

namespace sinew::tls {

// Sessions that servers gave a client, to be resumed: by endpoint and name, each only under the
// context that verified it. A session of TLS 1.3 is used once (RFC 8446, appendix C.4). One worker;
// it outlives the connections that were given it.
class ClientSessions {
 public:
  static constexpr std::size_t kept_per_server = 2;  // as many as servers send by default

  // At most `most_servers` >= 1 are remembered; who was not met for longest is forgotten.
  explicit ClientSessions(std::size_t most_servers = 1024);
  ClientSessions(const ClientSessions&) = delete;
  ClientSessions& operator=(const ClientSessions&) = delete;
  ~ClientSessions();

  std::size_t size() const noexcept;
  void clear() noexcept;

  // For TlsStream: takes the session over, false when it is of no use; and the newest one of a
  // server, null without one.
  struct Release {
    void operator()(ssl_session_st* session) const noexcept;
  };
  using Session = std::unique_ptr<ssl_session_st, Release>;
  bool put(std::string_view server, std::uint64_t context, ssl_session_st* session) noexcept;
  Session take(std::string_view server, std::uint64_t context) noexcept;

 private:
  struct Server;
  using Servers = std::list<Server>;

  Servers::iterator find(std::string_view server);

  std::size_t most_servers_;
  Servers servers_;  // the latest first
  std::unordered_map<std::string_view, Servers::iterator> by_name_;
};

}  // namespace sinew::tls
