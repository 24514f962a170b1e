#include "sinew/tls/client_sessions.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <new>
#include <vector>

namespace sinew::tls {

struct ClientSessions::Server {
  std::string name;
  std::uint64_t context = 0;
  std::vector<Session> sessions;  // the newest last
};

void ClientSessions::Release::operator()(ssl_session_st* session) const noexcept {
  SSL_SESSION_free(session);
}

ClientSessions::ClientSessions(std::size_t most_servers)
    : most_servers_(std::max<std::size_t>(most_servers, 1)) {}
ClientSessions::~ClientSessions() = default;

std::size_t ClientSessions::size() const noexcept {
  std::size_t count = 0;
  for (const Server& server : servers_)
    count += server.sessions.size();
  return count;
}

void ClientSessions::clear() noexcept {
  by_name_.clear();
  servers_.clear();
}

ClientSessions::Servers::iterator ClientSessions::find(std::string_view server) {
  const auto found = by_name_.find(server);
  if (found == by_name_.end()) return servers_.end();
  servers_.splice(servers_.begin(), servers_, found->second);
  return servers_.begin();
}

bool ClientSessions::put(std::string_view server, std::uint64_t context,
                         ssl_session_st* session) noexcept try {
  if (SSL_SESSION_is_resumable(session) == 0) return false;
  auto entry = find(server);
  if (entry == servers_.end()) {
    if (servers_.size() == most_servers_) {
      by_name_.erase(servers_.back().name);
      servers_.pop_back();
    }
    servers_.emplace_front().name = server;
    entry = servers_.begin();
    by_name_.emplace(entry->name, entry);
  }
  if (entry->context != context) entry->sessions.clear();
  entry->context = context;
  entry->sessions.reserve(kept_per_server);
  if (entry->sessions.size() == kept_per_server) entry->sessions.erase(entry->sessions.begin());
  entry->sessions.emplace_back(session);
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

ClientSessions::Session ClientSessions::take(std::string_view server,
                                             std::uint64_t context) noexcept {
  const auto entry = find(server);
  if (entry == servers_.end() || entry->context != context || entry->sessions.empty()) return {};
  Session session = std::move(entry->sessions.back());
  entry->sessions.pop_back();
  if (SSL_SESSION_is_resumable(session.get()) == 0) return {};
  if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(session.get());
    entry->sessions.emplace_back(session.get());
  }
  return session;
}

}  // namespace sinew::tls
