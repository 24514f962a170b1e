#include "sinew/context/operator_api.hpp"

#include <optional>

#include "sinew/async/offload.hpp"
#include "sinew/base/hash.hpp"
#include "sinew/context/host.hpp"
#include "sinew/context/operations.hpp"
#include "sinew/context/queue_operations.hpp"
#include "sinew/context/resilience_operations.hpp"
#include "sinew/context/topic_operations.hpp"

namespace sinew::context {
namespace {

constexpr std::size_t most_positions = 4096;  // groups in partitions that metrics tell apart

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

Task<void> measure_questions(Host& host, ContextRunner& runner) {
  const auto status = co_await async::call_on(
      runner.runtime(), [&runner]() -> Task<std::optional<messaging::RequesterStatus>> {
        if (runner.questions() == nullptr) co_return std::nullopt;
        co_return *runner.questions();
      });
  if (!status) co_return;
  auto& questions = host.metrics().gauges(
      "sinew_questions",
      "Questions that a context asks others: those that wait for their answer, answers since the "
      "start, and answers that nobody waited for.",
      {"context", "state"});
  questions.with({runner.name(), "waiting"}).set(static_cast<double>(status->pending));
  questions.with({runner.name(), "answered"}).set(static_cast<double>(status->answered));
  questions.with({runner.name(), "unknown"}).set(static_cast<double>(status->unknown));
}

Task<void> measure_inbox(Host& host, ContextRunner& runner) {
  const auto status =
      co_await async::call_on(runner.runtime(), [&runner]() -> Task<std::optional<InboxStatus>> {
        if (runner.inbox() == nullptr) co_return std::nullopt;
        co_return *runner.inbox();
      });
  if (!status) co_return;
  auto& metrics = host.metrics();
  metrics
      .gauges("sinew_inbox_marks",
              "Marks of handled messages that age, as of the last sweep (every ten minutes).",
              {"context"})
      .with({runner.name()})
      .set(static_cast<double>(status->marks));
  metrics
      .gauges("sinew_inbox_oldest_seconds",
              "Age of the first of them, of the time in which the context ran.", {"context"})
      .with({runner.name()})
      .set(std::chrono::duration<double>(status->oldest).count());
  metrics
      .gauges("sinew_inbox_forgotten_marks", "Marks that were too old, since the start.",
              {"context"})
      .with({runner.name()})
      .set(static_cast<double>(status->forgotten));
}

Task<void> measure_pipelines(ContextRunner& runner) {
  co_await async::call_on(runner.runtime(), [&runner]() -> Task<void> {
    if (runner.pipelines() != nullptr) runner.pipelines()->measure();
    co_return;
  });
}

Task<void> measure_topics(Host& host) {
  auto& records = host.metrics().gauges("sinew_topic_lag_records",
                                        "Records of a topic that a group has not accepted.",
                                        {"topic", "group", "partition"}, most_positions);
  auto& seconds = host.metrics().gauges("sinew_topic_lag_seconds",
                                        "Since the broker accepted the first of them.",
                                        {"topic", "group", "partition"}, most_positions);
  auto& skipped = host.metrics().gauges(
      "sinew_topic_skipped_records",
      "Records that retention removed before the group had accepted them, of all time.",
      {"topic", "group", "partition"}, most_positions);
  for (const auto& topic : co_await host.broker().topics()) {
    for (const auto& group : topic.groups) {
      for (const auto& lag : group.lag) {
        const std::string partition = std::to_string(lag.partition);
        const auto of = [&](auto& family) -> auto& {
          return family.with({topic.spec.name, group.group, partition});
        };
        of(records).set(static_cast<double>(lag.records));
        of(seconds).set(std::chrono::duration<double>(lag.time).count());
        of(skipped).set(static_cast<double>(lag.skipped));
      }
    }
  }
}

// Gauges are brought up to date when they are asked for.
Task<http::Response> metrics_of(Host& host) {
  auto& messages = host.metrics().gauges(
      "sinew_messages", "Messages in a context, by what they wait for.", {"context", "state"});
  auto& sagas = host.metrics().gauges("sinew_sagas", "Live sagas.", {"context", "state"});
  for (ContextRunner* runner : host.contexts()) {
    const Activity now =
        co_await async::call_on(runner->runtime(), [runner] { return runner->activity(); });
    const std::string& context = runner->name();
    messages.with({context, "outbox"}).set(static_cast<double>(now.outbox));
    messages.with({context, "in_work"}).set(static_cast<double>(now.in_work));
    messages.with({context, "waiting"}).set(static_cast<double>(now.waiting));
    messages.with({context, "blocked"}).set(static_cast<double>(now.blocked));
    messages.with({context, "parked"}).set(static_cast<double>(now.parked));
    sagas.with({context, "running"}).set(static_cast<double>(now.running_sagas));
    sagas.with({context, "stuck"}).set(static_cast<double>(now.stuck_sagas));
    co_await measure_questions(host, *runner);
    co_await measure_inbox(host, *runner);
    co_await measure_pipelines(*runner);
  }
  co_await measure_topics(host);
  if (auto* queues = host.backend().queues()) co_await measure_queues(*queues, host.metrics());
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
      if (operation.starts_with("resilience.")) {
        co_return operate_on_pipelines(*runner->pipelines(), operation, actor, arguments);
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
