#include "sinew/context/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/projection_operations.hpp"
#include "sinew/context/resilience_operations.hpp"
#include "sinew/context/saga_operations.hpp"
#include "sinew/context/trace_operations.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/messaging/dead_letters.hpp"

namespace sinew::context {

using store::Transaction;

namespace {

struct AuditArguments {
  std::int64_t limit = 100;
};
BOOST_DESCRIBE_STRUCT(AuditArguments, (), (limit))
constexpr auto constraints(const AuditArguments*) {
  return sinew::constraints(field(&AuditArguments::limit, between(1, 1000), defaulted()));
}

struct MessageArguments {
  std::vector<Uuid> ids;
  std::optional<Uuid> id;
  std::string consumer;
  std::string type;
  std::string key;
  std::string reason;
  bool all = false;  // list: waiting ones too; replay and discard: without a filter
  bool dry_run = false;
  std::optional<std::int64_t> limit;
  std::optional<Uuid> after;
  std::string why;
};
BOOST_DESCRIBE_STRUCT(MessageArguments, (),
                      (ids, id, consumer, type, key, reason, all, dry_run, limit, after, why))
constexpr auto constraints(const MessageArguments*) {
  return sinew::constraints(field(&MessageArguments::ids, items(0, 1000), defaulted()),
                            field(&MessageArguments::consumer, length(0, 200), defaulted()),
                            field(&MessageArguments::type, length(0, 200), defaulted()),
                            field(&MessageArguments::key, length(0, 1024), defaulted()),
                            field(&MessageArguments::reason, length(0, 60), defaulted()),
                            field(&MessageArguments::all, defaulted()),
                            field(&MessageArguments::dry_run, defaulted()),
                            field(&MessageArguments::limit, between(1, 10'000)),
                            field(&MessageArguments::why, length(0, 500), defaulted()));
}

constexpr std::int64_t default_page = 1000;

Json message_summary(const messaging::BacklogEntry& entry) {
  JsonObject object;
  object.set("id", to_string(entry.sequence));
  object.set("consumer", entry.consumer);
  object.set("state", std::string(to_string(entry.state)));
  object.set("key", entry.key);
  object.set("type", entry.message.type);
  object.set("message_id", to_string(entry.message.id));
  object.set("attempts", entry.attempts);
  object.set("reason", entry.reason);
  object.set("arrived_at", to_rfc3339(entry.arrived_at));
  object.set("not_before", to_rfc3339(entry.not_before));
  object.set("first_error", entry.first_error);
  object.set("last_error", entry.last_error);
  return object;
}

messaging::DeadLetterFilter filter_of(const MessageArguments& arguments,
                                      std::int64_t default_limit) {
  messaging::DeadLetterFilter filter;
  filter.sequences = arguments.ids;
  filter.consumer = arguments.consumer;
  filter.type = arguments.type;
  filter.key = arguments.key;
  filter.reason = arguments.reason;
  filter.limit = static_cast<std::size_t>(arguments.limit.value_or(default_limit));
  filter.after = arguments.after;
  return filter;
}

Task<Json> list_messages(Call call) {
  const auto arguments = from_json<MessageArguments>(call.arguments, ReadMode::strict);
  auto filter = filter_of(arguments, default_page);
  filter.parked_only = !arguments.all;
  const auto entries = co_await call.database.read(
      [&](Transaction& tx) -> Task<std::vector<messaging::BacklogEntry>> {
        co_return co_await messaging::list_dead_letters(tx, filter);
      });
  JsonArray messages;
  for (const auto& entry : entries)
    messages.push_back(message_summary(entry));
  JsonObject answer;
  answer.set("messages", std::move(messages));
  co_return answer;
}

Task<Json> show_message(Call call) {
  const auto arguments = from_json<MessageArguments>(call.arguments, ReadMode::strict);
  if (!arguments.id) throw Error(Condition::invalid_input, "id: expected a message's id");
  const auto entry =
      co_await call.database.read([&](Transaction& tx) -> Task<messaging::BacklogEntry> {
        co_return co_await messaging::find_dead_letter(tx, *arguments.id);
      });
  Json message = message_summary(entry);
  JsonObject& object = message.as_object();
  object.set("source", entry.message.source);
  object.set("version", entry.message.version);
  object.set("time", to_rfc3339(entry.message.time));
  object.set("correlation_id", to_string(entry.message.lineage.correlation_id));
  object.set("causation_id", to_string(entry.message.lineage.causation_id));
  try {
    object.set("data", parse_json(entry.message.data.view()));
  } catch (const Error&) {
    object.set("data", std::string(entry.message.data.view()));
  }
  JsonObject answer;
  answer.set("message", std::move(message));
  co_return answer;
}

enum class Removal : bool { replay, discard };

Task<Json> change_messages(Call call, Removal removal) {
  const auto arguments = from_json<MessageArguments>(call.arguments, ReadMode::strict);
  const bool selects = !arguments.ids.empty() || !arguments.consumer.empty() ||
                       !arguments.type.empty() || !arguments.key.empty() ||
                       !arguments.reason.empty();
  if (selects == arguments.all) {
    throw Error(Condition::invalid_input,
                "say which messages: ids, a filter, or `all` without either");
  }
  const messaging::Operator by{call.actor, arguments.why, call.runtime.new_id(),
                               call.runtime.wall_now()};
  const auto count = co_await call.database.transaction([&](Transaction& tx) -> Task<std::int64_t> {
    auto filter = filter_of(arguments, std::numeric_limits<std::int64_t>::max());
    co_return removal == Removal::replay
        ? co_await messaging::replay(tx, std::move(filter), by, arguments.dry_run)
        : co_await messaging::discard(tx, std::move(filter), by, arguments.dry_run);
  });
  JsonObject answer;
  answer.set("messages", count);
  answer.set("dry_run", arguments.dry_run);
  co_return answer;
}

Task<Json> list_audit(Call call) {
  const auto arguments = from_json<AuditArguments>(call.arguments, ReadMode::strict);
  const auto trail =
      co_await call.database.read([&](Transaction& tx) -> Task<std::vector<messaging::AuditEntry>> {
        co_return co_await messaging::audit_trail(tx, static_cast<std::size_t>(arguments.limit));
      });
  JsonArray entries;
  for (const auto& entry : trail) {
    JsonObject object;
    object.set("at", to_rfc3339(entry.at));
    object.set("actor", entry.actor);
    object.set("verb", entry.verb);
    object.set("target", entry.target);
    object.set("detail", entry.detail);
    entries.push_back(std::move(object));
  }
  JsonObject answer;
  answer.set("entries", std::move(entries));
  co_return answer;
}

}  // namespace

Task<Json> operate(async::Runtime& runtime, store::Database& database, std::string operation,
                   std::string actor, Json arguments, const saga::Orchestrator* sagas) {
  Call call{runtime, database, std::move(actor), std::move(arguments), sagas};
  if (operation.starts_with("saga.")) return operate_on_sagas(std::move(call), operation.substr(5));
  if (operation.starts_with("projection.")) {
    return operate_on_projections(std::move(call), operation.substr(11), {});
  }
  if (operation == "dlq.list") return list_messages(std::move(call));
  if (operation == "dlq.show") return show_message(std::move(call));
  if (operation == "dlq.replay") return change_messages(std::move(call), Removal::replay);
  if (operation == "dlq.discard") return change_messages(std::move(call), Removal::discard);
  if (operation == "trace.show") return show_trace(std::move(call));
  if (operation == "audit.list") return list_audit(std::move(call));
  if (operation.starts_with("resilience.")) refuse_without_host(operation);
  throw Error(Condition::not_found, fmt::format("there is no operation {}", operation));
}

}  // namespace sinew::context
