#include "sinew/context/measurements.hpp"

#include <chrono>
#include <optional>
#include <string>

#include "sinew/async/offload.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/context/host.hpp"
#include "sinew/context/projection_operations.hpp"
#include "sinew/context/queue_operations.hpp"

namespace sinew::context {
namespace {

constexpr std::size_t most_positions = 4096;  // groups in partitions that metrics tell apart
constexpr std::size_t most_consumers = 512;

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// What a context says of itself, read on its worker.
struct Reading {
  Activity activity;
  std::size_t queued = 0;       // transactions that wait for their turn
  std::size_t connections = 0;  // HTTP
  std::map<std::string, messaging::ConsumerStatus> consumers;
  std::optional<messaging::RequesterStatus> questions;
  std::optional<InboxStatus> inbox;
};

Task<std::optional<Reading>> read(ContextRunner& runner) {
  if (!runner.open()) co_return std::nullopt;
  Reading reading;
  reading.activity = co_await runner.activity();
  reading.queued = runner.database().status().queued;
  reading.connections = runner.connections();
  reading.consumers = runner.consumers();
  if (runner.questions() != nullptr) reading.questions = *runner.questions();
  if (runner.inbox() != nullptr) reading.inbox = *runner.inbox();
  if (runner.pipelines() != nullptr) runner.pipelines()->measure();
  co_return reading;
}

void measure_activity(metrics::Registry& metrics, const std::string& context, const Activity& now) {
  auto& messages = metrics.gauges("sinew_messages", "Messages in a context, by what they wait for.",
                                  {"context", "state"});
  messages.with({context, "outbox"}).set(static_cast<double>(now.outbox));
  messages.with({context, "in_work"}).set(static_cast<double>(now.in_work));
  messages.with({context, "waiting"}).set(static_cast<double>(now.waiting));
  messages.with({context, "blocked"}).set(static_cast<double>(now.blocked));
  messages.with({context, "parked"}).set(static_cast<double>(now.parked));
  auto& sagas = metrics.gauges("sinew_sagas", "Live sagas.", {"context", "state"});
  sagas.with({context, "running"}).set(static_cast<double>(now.running_sagas));
  sagas.with({context, "stuck"}).set(static_cast<double>(now.stuck_sagas));
}

void measure_queues_within(metrics::Registry& metrics, const std::string& context,
                           const Reading& reading) {
  metrics
      .gauges("sinew_database_queue", "Transactions that wait for their turn to be committed.",
              {"context"})
      .with({context})
      .set(static_cast<double>(reading.queued));
  metrics.gauges("sinew_http_connections", "Open connections to a context.", {"context"})
      .with({context})
      .set(static_cast<double>(reading.connections));
}

void measure_consumers(metrics::Registry& metrics,
                       const std::map<std::string, messaging::ConsumerStatus>& consumers) {
  auto& messages = metrics.gauges(
      "sinew_consumer_messages",
      "Messages of a consumer since its start, by what became of them; skipped: records that "
      "retention removed before it had read them.",
      {"consumer", "outcome"}, 5 * most_consumers);
  auto& backlog = metrics.gauges("sinew_consumer_backlog",
                                 "Messages that wait for a retry or an operator, and those behind.",
                                 {"consumer"}, most_consumers);
  auto& paused =
      metrics.gauges("sinew_consumer_paused", "1 while it takes nothing: its backlog is full.",
                     {"consumer"}, most_consumers);
  for (const auto& [name, status] : consumers) {
    messages.with({name, "handled"}).set(static_cast<double>(status.handled));
    messages.with({name, "duplicate"}).set(static_cast<double>(status.duplicates));
    messages.with({name, "failed"}).set(static_cast<double>(status.failed));
    messages.with({name, "parked"}).set(static_cast<double>(status.parked));
    messages.with({name, "skipped"}).set(static_cast<double>(status.skipped));
    backlog.with({name}).set(static_cast<double>(status.backlog));
    paused.with({name}).set(status.paused ? 1 : 0);
  }
}

void measure_questions(metrics::Registry& metrics, const std::string& context,
                       const messaging::RequesterStatus& status) {
  auto& questions = metrics.gauges(
      "sinew_questions",
      "Questions that a context asks others: those that wait for their answer, answers since the "
      "start, and answers that nobody waited for.",
      {"context", "state"});
  questions.with({context, "waiting"}).set(static_cast<double>(status.pending));
  questions.with({context, "answered"}).set(static_cast<double>(status.answered));
  questions.with({context, "unknown"}).set(static_cast<double>(status.unknown));
}

void measure_inbox(metrics::Registry& metrics, const std::string& context,
                   const InboxStatus& status) {
  metrics
      .gauges("sinew_inbox_marks",
              "Marks of handled messages that age, as of the last sweep (every ten minutes).",
              {"context"})
      .with({context})
      .set(static_cast<double>(status.marks));
  metrics
      .gauges("sinew_inbox_oldest_seconds",
              "Age of the first of them, of the time in which the context ran.", {"context"})
      .with({context})
      .set(seconds_of(status.oldest));
  metrics
      .gauges("sinew_inbox_forgotten_marks", "Marks that were too old, since the start.",
              {"context"})
      .with({context})
      .set(static_cast<double>(status.forgotten));
}

// One that cannot tell now, or stops meanwhile, does not keep the others from telling.
Task<void> measure_context(metrics::Registry& metrics, ContextRunner& runner) {
  try {
    const auto reading =
        co_await async::call_on(runner.runtime(), [&runner] { return read(runner); });
    if (!reading) co_return;
    measure_activity(metrics, runner.name(), reading->activity);
    measure_queues_within(metrics, runner.name(), *reading);
    measure_consumers(metrics, reading->consumers);
    if (reading->questions) measure_questions(metrics, runner.name(), *reading->questions);
    if (reading->inbox) measure_inbox(metrics, runner.name(), *reading->inbox);
    co_await async::call_on(runner.runtime(), [&runner, &metrics]() -> Task<void> {
      if (!runner.open()) co_return;
      co_await measure_projections(runner.name(), runner.runtime(), runner.database(),
                                   runner.projections(), metrics);
    });
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled) throw;
    log::warn("a context cannot be measured",
              {{"context", runner.name()}, {"error", error.detail()}});
  }
}

Task<void> measure_topics(messaging::Broker& broker, metrics::Registry& metrics) {
  auto& records =
      metrics.gauges("sinew_topic_lag_records", "Records of a topic that a group has not accepted.",
                     {"topic", "group", "partition"}, most_positions);
  auto& seconds =
      metrics.gauges("sinew_topic_lag_seconds", "Since the broker accepted the first of them.",
                     {"topic", "group", "partition"}, most_positions);
  auto& skipped = metrics.gauges(
      "sinew_topic_skipped_records",
      "Records that retention removed before the group had accepted them, of all time.",
      {"topic", "group", "partition"}, most_positions);
  auto& kept = metrics.gauges(
      "sinew_topic_records",
      "Records that a partition keeps, at most: from its first position to its last.",
      {"topic", "partition"}, most_positions);
  for (const auto& topic : co_await broker.topics()) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& [first, last] = topic.partitions[i];
      kept.with({topic.spec.name, std::to_string(i)})
          .set(static_cast<double>(last.position() - first.position()));
    }
    for (const auto& group : topic.groups) {
      for (const auto& lag : group.lag) {
        const std::string partition = std::to_string(lag.partition);
        const auto of = [&](auto& family) -> auto& {
          return family.with({topic.spec.name, group.group, partition});
        };
        of(records).set(static_cast<double>(lag.records));
        of(seconds).set(seconds_of(lag.time));
        of(skipped).set(static_cast<double>(lag.skipped));
      }
    }
  }
}

}  // namespace

Task<void> measure(Host& host) {
  for (ContextRunner* runner : host.contexts())
    co_await measure_context(host.metrics(), *runner);
  co_await measure_topics(host.broker(), host.metrics());
  if (auto* queues = host.backend().queues()) co_await measure_queues(*queues, host.metrics());
}

}  // namespace sinew::context
