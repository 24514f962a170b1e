#include "sinew/context/queue_operations.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::context {
namespace {

constexpr std::size_t most_queues = 512;  // that metrics tell apart

struct QueueArguments {
  std::string queue;
  std::int64_t limit = 20;
  bool dry_run = false;
  std::string why;
};
BOOST_DESCRIBE_STRUCT(QueueArguments, (), (queue, limit, dry_run, why))
constexpr auto constraints(const QueueArguments*) {
  return sinew::constraints(field(&QueueArguments::queue, length(0, 200), defaulted()),
                            field(&QueueArguments::limit, between(1, 1000), defaulted()),
                            field(&QueueArguments::dry_run, defaulted()),
                            field(&QueueArguments::why, length(0, 500), defaulted()));
}

std::string_view name_of(messaging::QueueLife life) {
  switch (life) {
    case messaging::QueueLife::lasting: return "lasting";
    case messaging::QueueLife::exclusive: return "exclusive";
    case messaging::QueueLife::auto_delete: return "auto_delete";
  }
  return "";
}

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Json summary_of(const messaging::QueueStatus& status) {
  JsonObject object;
  object.set("queue", status.spec.name);
  object.set("life", std::string(name_of(status.spec.life)));
  object.set("ready", status.ready);
  object.set("in_work", status.in_work);
  object.set("delayed", status.delayed);
  object.set("oldest_seconds", static_cast<std::int64_t>(seconds_of(status.oldest)));
  object.set("max_messages", status.spec.max_messages);
  object.set("ttl_seconds", status.spec.ttl ? Json(seconds_of(*status.spec.ttl)) : Json());
  object.set("dead_letter", status.spec.dead_letter);
  const std::pair<const char*, std::uint64_t> counts[] = {
      {"published", status.published}, {"delivered", status.delivered},
      {"accepted", status.accepted},   {"returned", status.returned},
      {"lost", status.lost},           {"dead_lettered", status.dead_lettered},
      {"dropped", status.dropped}};
  for (const auto& [name, count] : counts)
    object.set(name, static_cast<std::int64_t>(count));
  return Json(std::move(object));
}

Json message_of(const event::Envelope& envelope) {
  JsonObject object;
  object.set("message_id", to_string(envelope.id));
  object.set("type", envelope.type);
  object.set("key", envelope.ordering_key);
  object.set("time", to_rfc3339(envelope.time));
  JsonObject extensions;
  for (const auto& [name, value] : envelope.extensions)
    extensions.set(name, value);
  object.set("extensions", std::move(extensions));
  return Json(std::move(object));
}

Task<Json> list(messaging::QueueOperator& queues) {
  JsonArray rows;
  for (const auto& status : co_await queues.queues())
    rows.push_back(summary_of(status));
  JsonObject answer;
  answer.set("queues", std::move(rows));
  co_return Json(std::move(answer));
}

Task<Json> show(messaging::QueueOperator& queues, QueueArguments arguments) {
  JsonArray messages;
  for (const auto& envelope :
       co_await queues.look(arguments.queue, static_cast<std::size_t>(arguments.limit)))
    messages.push_back(message_of(envelope));
  JsonObject answer;
  for (const auto& status : co_await queues.queues()) {
    if (status.spec.name == arguments.queue) answer.set("queue", summary_of(status));
  }
  answer.set("messages", std::move(messages));
  co_return Json(std::move(answer));
}

Task<Json> change(messaging::QueueOperator& queues, std::string operation, std::string actor,
                  QueueArguments arguments) {
  const std::int64_t count = operation == "queue.purge"
                                 ? co_await queues.purge(arguments.queue, arguments.dry_run)
                                 : co_await queues.redrive(arguments.queue, arguments.dry_run);
  if (!arguments.dry_run) {
    log::warn("an operator changed a queue", {{"operation", operation},
                                              {"queue", arguments.queue},
                                              {"messages", count},
                                              {"actor", actor},
                                              {"why", arguments.why}});
  }
  JsonObject answer;
  answer.set("messages", count);
  answer.set("dry_run", arguments.dry_run);
  co_return Json(std::move(answer));
}

}  // namespace

Task<Json> operate_queues(messaging::QueueOperator& queues, std::string operation,
                          std::string actor, Json arguments) {
  const auto read = from_json<QueueArguments>(arguments, ReadMode::strict);
  if (operation == "queue.list") co_return co_await list(queues);
  if (operation == "queue.show") co_return co_await show(queues, read);
  if (operation == "queue.purge" || operation == "queue.redrive") {
    co_return co_await change(queues, operation, actor, read);
  }
  throw Error(Condition::not_found, fmt::format("there is no operation {}", operation));
}

Task<void> measure_queues(messaging::QueueOperator& queues, metrics::Registry& metrics) {
  auto& messages = metrics.gauges("sinew_queue_messages", "Messages of a queue by what they do.",
                                  {"queue", "state"}, 3 * most_queues);
  auto& oldest =
      metrics.gauges("sinew_queue_oldest_seconds",
                     "Age of the first message that is ready or in work.", {"queue"}, most_queues);
  auto& expired = metrics.gauges("sinew_queue_expired_messages",
                                 "Messages that expired since the start, by what became of them.",
                                 {"queue", "outcome"}, 2 * most_queues);
  auto& passed = metrics.gauges("sinew_queue_passed_messages",
                                "Messages since the start, by what was done with them; lost: their "
                                "lease expired or their subscription was dropped.",
                                {"queue", "what"}, 5 * most_queues);
  for (const auto& status : co_await queues.queues()) {
    if (status.spec.life != messaging::QueueLife::lasting) continue;  // names without number
    const std::string& name = status.spec.name;
    messages.with({name, "ready"}).set(static_cast<double>(status.ready));
    messages.with({name, "in_work"}).set(static_cast<double>(status.in_work));
    messages.with({name, "delayed"}).set(static_cast<double>(status.delayed));
    oldest.with({name}).set(seconds_of(status.oldest));
    passed.with({name, "published"}).set(static_cast<double>(status.published));
    passed.with({name, "delivered"}).set(static_cast<double>(status.delivered));
    passed.with({name, "accepted"}).set(static_cast<double>(status.accepted));
    passed.with({name, "returned"}).set(static_cast<double>(status.returned));
    passed.with({name, "lost"}).set(static_cast<double>(status.lost));
    expired.with({name, "dead_letter"}).set(static_cast<double>(status.dead_lettered));
    expired.with({name, "dropped"}).set(static_cast<double>(status.dropped));
  }
}

}  // namespace sinew::context
