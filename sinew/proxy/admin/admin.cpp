#include "sinew/proxy/admin/admin.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <deque>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/http/server.hpp"
#include "sinew/proxy/admin/admin_routes.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::proxy {
namespace {

// Reloads resolve names before they answer.
constexpr Duration kHandlerTimeout = std::chrono::seconds(120);
constexpr std::size_t kMaxConnections = 64;
constexpr std::uint64_t kMaxBody = std::uint64_t{64} << 10U;

bool is_loopback(const std::string& address) noexcept {
  const auto parsed = wire::parse_ip(address);
  if (!parsed) return false;
  if (parsed->family == wire::IpAddress::Family::v4) return parsed->bytes[0] == 127;
  return *parsed == wire::parse_ip("::1");
}

void check(const AdminSettings& settings, const AdminParts& parts) {
  std::vector<std::string> problems;
  if (!parts.state || !parts.readiness)
    problems.emplace_back("it cannot be made without a state and a readiness to tell");
  for (const async::Endpoint& endpoint : settings.addresses) {
    if (!settings.allow_remote && !is_loopback(endpoint.address)) {
      problems.push_back(fmt::format(
          "{} is not loopback: who reaches it can drain the proxy and is asked for nothing; allow "
          "it on purpose or listen on 127.0.0.1 or ::1",
          async::to_string(endpoint)));
    }
  }
  if (problems.empty()) return;
  throw Error(Condition::invalid_input,
              fmt::format("the admin interface: {}", fmt::join(problems, "; ")));
}

}  // namespace

struct Admin::State {
  AdminSettings settings;
  AdminParts parts;
  std::deque<http::Server> servers;
};

Admin::Admin(async::Runtime& runtime, AdminSettings settings, AdminParts parts)
    : state_(std::make_unique<State>()) {
  check(settings, parts);
  state_->settings = std::move(settings);
  state_->parts = std::move(parts);
  for (std::size_t i = 0; i < state_->settings.addresses.size(); ++i) {
    state_->servers.emplace_back(runtime,
                                 admin_routes(state_->parts, state_->settings.allow_remote),
                                 http::ServerOptions{.max_body_bytes = kMaxBody,
                                                     .max_connections = kMaxConnections,
                                                     .handler_timeout = kHandlerTimeout});
  }
}

Admin::~Admin() = default;

void Admin::start() {
  for (std::size_t i = 0; i < state_->servers.size(); ++i)
    state_->servers[i].start(state_->settings.addresses[i]);
}

std::vector<async::Endpoint> Admin::local() const {
  std::vector<async::Endpoint> endpoints;
  for (const http::Server& server : state_->servers)
    endpoints.push_back(server.local());
  return endpoints;
}

Task<void> Admin::drain(Duration patience) {
  for (http::Server& server : state_->servers)
    co_await server.drain(patience);
}

}  // namespace sinew::proxy
