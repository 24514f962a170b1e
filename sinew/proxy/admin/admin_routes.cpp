#include "sinew/proxy/admin/admin_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/proxy/admin/admin_documents.hpp"
#include "sinew/proxy/cluster/health_policy.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::proxy {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr int kForbidden = 403;
constexpr int kInvalidFile = 422;

constexpr auto kLevels = std::to_array(
    {log::Level::debug, log::Level::info, log::Level::warn, log::Level::error, log::Level::off});

// The host of a Host field, without port and brackets.
std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

void refuse_browsers(const Request& request) {
  if (!request.headers.get("Origin").empty())
    throw http::StatusError(kForbidden, "the admin interface is not for pages in a browser");
}

void refuse_other_names(const Request& request) {
  const auto host = host_of(request.headers.get("Host"));
  if (host.empty() || host == "localhost" || wire::parse_ip(host)) return;
  throw http::StatusError(
      kForbidden, fmt::format("the admin interface on loopback is asked as localhost or by its "
                              "address, not as \"{}\"",
                              host));
}

void require(bool there, const char* what) {
  if (!there) throw Error(Condition::unsupported, fmt::format("this proxy has no {}", what));
}

Json level_document() { return JsonObject{{"level", log::to_string(log::root().level())}}; }

// Endpoints of one address; several where more than one name has it.
struct Found {
  ClusterPtr cluster;
  std::vector<EndpointSet::Member> members;
};

Found find_endpoints(const ProxyState& state, const std::string& cluster,
                     const std::string& address) {
  const auto& clusters = state.snapshot->clusters;
  const auto named = std::ranges::find_if(
      clusters, [&](const ClusterPtr& one) { return one->settings().name == cluster; });
  if (named == clusters.end())
    throw Error(Condition::not_found, fmt::format("there is no cluster \"{}\"", cluster));
  Found found{.cluster = *named, .members = {}};
  for (const auto& member : found.cluster->endpoints()->members()) {
    if (address_text(*member.endpoint) == address) found.members.push_back(member);
  }
  if (found.members.empty()) {
    throw Error(Condition::not_found,
                fmt::format("cluster \"{}\" has no endpoint {}; its endpoints are at GET /clusters",
                            cluster, address));
  }
  return found;
}

// What an operator decides about an endpoint also ends its ejection, or lets it be.
void turn(const Found& found, HealthState health) {
  for (const auto& member : found.members) {
    set_health(*member.endpoint, health);
    const OutlierDetector* const outliers = found.cluster->outliers();
    if (health == HealthState::healthy && outliers != nullptr) outliers->readmit(*member.endpoint);
  }
}

JsonObject reload_document(const ReloadResult& result) {
  JsonObject document{{"outcome", to_string(result.outcome)},
                      {"version", result.version},
                      {"seconds", std::chrono::duration<double>(result.took).count()},
                      {"warnings", JsonArray(result.warnings.begin(), result.warnings.end())}};
  if (result.outcome != ReloadResult::Outcome::refused) return document;
  document.set("errors", JsonArray(result.errors.begin(), result.errors.end()));
  document.set("error_count", result.error_count);
  return document;
}

class Routes {
 public:
  explicit Routes(const AdminParts& parts) : parts_(parts) {}

  Task<Response> health() const { co_return http::ok(JsonObject{{"status", "live"}}); }

  Task<Response> ready() const {
    const Readiness readiness = parts_.readiness();
    if (readiness.ready()) co_return http::ok(JsonObject{{"status", "ready"}});
    JsonArray reasons(readiness.reasons.begin(), readiness.reasons.end());
    co_return http::problem(503, readiness.reasons.front(),
                            JsonObject{{"reasons", std::move(reasons)}});
  }

  Task<Response> metrics() const {
    const ProxyState state = co_await parts_.state();
    std::string text;
    if (parts_.metrics != nullptr) {
      parts_.metrics->forget_removed(*state.snapshot, state.now);
      parts_.metrics->write(text);
    }
    write_state_metrics(state, text);
    if (parts_.registry != nullptr) text += parts_.registry->expose();
    co_return http::ok(std::move(text), std::string(metrics::Registry::kContentType));
  }

  Task<Response> snapshot() const {
    const ProxyState state = co_await parts_.state();
    co_return http::ok(snapshot_document(*state.snapshot));
  }

  Task<Response> workers() const { co_return http::ok(workers_document(co_await parts_.state())); }

  Task<Response> clusters() const {
    co_return http::ok(clusters_document(co_await parts_.state()));
  }

  Task<Response> turn_endpoint(const Request& request, HealthState health) const {
    const ProxyState state = co_await parts_.state();
    const auto name = request.path_parameter<std::string>("cluster");
    const auto found = find_endpoints(state, name, request.path_parameter<std::string>("address"));
    turn(found, health);
    JsonArray endpoints;
    for (const auto& member : found.members)
      endpoints.push_back(endpoint_document(*member.endpoint, member.weight, state.now));
    log::info("an operator turned an endpoint",
              {{"cluster", name},
               {"endpoint", address_text(*found.members.front().endpoint)},
               {"health", to_string(health)}});
    co_return http::ok(JsonObject{{"cluster", name}, {"endpoints", std::move(endpoints)}});
  }

  Task<Response> log_level() const { co_return http::ok(level_document()); }

  Task<Response> set_log_level(const Request& request) const {
    const Json body = request.json();
    const std::string& wanted = body.at("level").as_string();
    const auto level =
        std::ranges::find(kLevels, wanted, [](log::Level one) { return log::to_string(one); });
    if (level == kLevels.end()) {
      throw Error(
          Condition::invalid_input,
          fmt::format("\"{}\" is no level; allowed are debug, info, warn, error, off", wanted));
    }
    log::root().set_level(*level);
    co_return http::ok(level_document());
  }

  Task<Response> drain() const {
    require(parts_.drain != nullptr, "drain");
    parts_.drain();
    co_return http::accepted(JsonObject{{"status", "draining"}});
  }

  Task<Response> reload() const {
    require(parts_.reload != nullptr, "reload");
    const ReloadResult result = co_await parts_.reload();
    const JsonObject document = reload_document(result);
    if (result.outcome != ReloadResult::Outcome::refused) co_return http::ok(document);
    co_return http::problem(kInvalidFile,
                            fmt::format("the new configuration is refused ({} errors); nothing "
                                        "has changed",
                                        result.error_count),
                            document);
  }

  Task<Response> last_reload() const {
    require(parts_.last_reload != nullptr, "last_reload");
    const LastReload last = parts_.last_reload();
    JsonObject document = reload_document(last.result);
    document.set("cause", last.cause);
    document.set("at", to_rfc3339(last.at));
    co_return http::ok(document);
  }

  Task<Response> reopen_log() const {
    require(parts_.access_log != nullptr, "access log");
    parts_.access_log->reopen();
    co_return http::accepted(JsonObject{{"status", "reopening"}});
  }

 private:
  const AdminParts& parts_;
};

}  // namespace

std::string_view to_string(ReloadResult::Outcome outcome) noexcept {
  using enum ReloadResult::Outcome;
  if (outcome == replaced) return "replaced";
  return outcome == unchanged ? "unchanged" : "refused";
}

http::Router admin_routes(const AdminParts& parts, bool allow_remote) {
  http::Router router;
  router.guard("/", refuse_browsers);
  if (!allow_remote) router.guard("/", refuse_other_names);
  const auto serve = [&](Method method, const char* path, auto member) {
    router.route(method, path,
                 [routes = Routes(parts), member](const Request&) { return (routes.*member)(); });
  };
  serve(Method::get, "/health", &Routes::health);
  serve(Method::get, "/ready", &Routes::ready);
  serve(Method::get, "/metrics", &Routes::metrics);
  serve(Method::get, "/snapshot", &Routes::snapshot);
  serve(Method::get, "/workers", &Routes::workers);
  serve(Method::get, "/clusters", &Routes::clusters);
  serve(Method::get, "/log-level", &Routes::log_level);
  serve(Method::post, "/drain", &Routes::drain);
  serve(Method::post, "/reload", &Routes::reload);
  serve(Method::get, "/reload", &Routes::last_reload);
  serve(Method::post, "/access-log/reopen", &Routes::reopen_log);
  router.route(Method::put, "/log-level", [routes = Routes(parts)](const Request& request) {
    return routes.set_log_level(request);
  });
  for (const HealthState health : {HealthState::healthy, HealthState::unhealthy}) {
    router.route(Method::post,
                 fmt::format("/clusters/{{cluster}}/endpoints/{{address}}/{}", to_string(health)),
                 [routes = Routes(parts), health](const Request& request) {
                   return routes.turn_endpoint(request, health);
                 });
  }
  return router;
}

}  // namespace sinew::proxy
