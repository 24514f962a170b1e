#include "sinew/context/operator_api.hpp"

#include "sinew/async/offload.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/context/host.hpp"
#include "sinew/context/measurements.hpp"
#include "sinew/context/operations.hpp"
#include "sinew/context/projection_operations.hpp"
#include "sinew/context/queue_operations.hpp"
#include "sinew/context/resilience_operations.hpp"
#include "sinew/context/topic_operations.hpp"

namespace sinew::context {
namespace {

Task<http::Response> health_of(Host& host, bool strict) {
  JsonObject contexts;
  bool ready = true;
  for (ContextRunner* runner : host.contexts()) {
    const Health health = co_await async::call_on(
        runner->runtime(), [runner]() -> Task<Health> { co_return runner->health(); });
    ready = ready && health.ready;
    contexts.set(runner->name(), to_json(health));
  }
  JsonObject document;
  document.set("ready", ready);
  document.set("contexts", std::move(contexts));
  http::Response response = http::ok(Json(std::move(document)));
  if (strict && !ready) response.status = 503;
  co_return response;
}

Task<http::Response> activity_of(Host& host) {
  JsonObject contexts;
  for (ContextRunner* runner : host.contexts()) {
    const Activity activity =
        co_await async::call_on(runner->runtime(), [runner] { return runner->activity(); });
    contexts.set(runner->name(), to_json(activity));
  }
  co_return http::ok(Json(std::move(contexts)));
}

Task<http::Response> metrics_of(Host& host) {
  co_await measure(host);
  co_return http::ok(host.metrics().expose(), std::string(metrics::Registry::kContentType));
}

Task<http::Response> operate_on(Host& host, const http::Request& request) {
  const auto name = request.path_parameter<std::string>("context");
  const auto operation = request.path_parameter<std::string>("operation");
  const std::string actor(request.headers.get("Sinew-Actor"));
  const Json arguments = request.json();
  for (ContextRunner* runner : host.contexts()) {
    if (runner->name() != name) continue;
    co_return http::ok(co_await async::call_on(runner->runtime(), [&]() -> Task<Json> {
      if (!runner->open()) {
        throw Error(Condition::unavailable, "the context " + name + " does not run");
      }
      if (operation.starts_with("resilience.")) {
        co_return operate_on_pipelines(*runner->pipelines(), operation, actor, arguments);
      }
      if (operation.starts_with("projection.")) {
        co_return co_await operate_on_projections(
            {runner->runtime(), runner->database(), actor, arguments}, operation.substr(11),
            runner->projections());
      }
      Json answer = co_await operate(runner->runtime(), runner->database(), operation, actor,
                                     arguments, &runner->sagas());
      runner->wake();
      co_return answer;
    }));
  }
  throw Error(Condition::not_found, "this host has no context called " + name);
}

Task<http::Response> operate_on_topics(Host& host, const http::Request& request) {
  const auto operation = request.path_parameter<std::string>("operation");
  const std::string actor(request.headers.get("Sinew-Actor"));
  co_return http::ok(co_await operate_topics(host.broker(), operation, actor, request.json()));
}

Task<http::Response> operate_on_queues(Host& host, const http::Request& request) {
  auto* queues = host.backend().queues();
  if (queues == nullptr) {
    throw Error(Condition::unsupported, "this host's broker has tools of its own for its queues");
  }
  const auto operation = request.path_parameter<std::string>("operation");
  const std::string actor(request.headers.get("Sinew-Actor"));
  co_return http::ok(co_await operate_queues(*queues, operation, actor, request.json()));
}

}  // namespace

http::Router operator_routes(Host& host) {
  http::Router router;
  router.guard("/v1", [&host](const http::Request& request) {
    const std::string expected = "Bearer " + host.operator_token();
    if (!constant_time_equal(request.headers.get("Authorization"), expected)) {
      throw Error(Condition::unauthorized,
                  "the operator API wants the token of the folder's operator.token as bearer");
    }
  });
  router.route(http::Method::get, "/health",
               [&host](const http::Request&) { return health_of(host, false); });
  router.route(http::Method::get, "/ready",
               [&host](const http::Request&) { return health_of(host, true); });
  router.route(http::Method::get, "/metrics",
               [&host](const http::Request&) { return metrics_of(host); });
  router.route(http::Method::get, "/v1/activity",
               [&host](const http::Request&) { return activity_of(host); });
  router.route(http::Method::post, "/v1/contexts/{context}/operations/{operation}",
               [&host](const http::Request& request) { return operate_on(host, request); });
  router.route(http::Method::post, "/v1/topics/operations/{operation}",
               [&host](const http::Request& request) { return operate_on_topics(host, request); });
  router.route(http::Method::post, "/v1/queues/operations/{operation}",
               [&host](const http::Request& request) { return operate_on_queues(host, request); });
  return router;
}

}  // namespace sinew::context
