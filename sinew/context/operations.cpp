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
#include "sinew/context/resilience_operations.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "sinew/saga/instances.hpp"

namespace sinew::context {

using store::Transaction;

namespace {

struct SagaArguments {
  std::string definition;
  std::string id;
  std::string status;
  std::int64_t limit = 100;
  std::string reason;
  std::optional<Json> result;
};
BOOST_DESCRIBE_STRUCT(SagaArguments, (), (definition, id, status, limit, reason, result))
constexpr auto constraints(const SagaArguments*) {
  return sinew::constraints(field(&SagaArguments::definition, length(0, 60), defaulted()),
                            field(&SagaArguments::id, length(0, 200), defaulted()),
                            field(&SagaArguments::status, length(0, 40), defaulted()),
                            field(&SagaArguments::limit, between(1, 1000), defaulted()),
                            field(&SagaArguments::reason, length(0, 500), defaulted()));
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

struct Call {
  async::Runtime& runtime;
  store::Database& database;
  std::string actor;
  Json arguments;
};

Json saga_summary(const saga::Instance& instance) {
  JsonObject object;
  object.set("definition", instance.definition);
  object.set("id", instance.id);
  object.set("version", instance.definition_version);
  object.set("status", std::string(to_string(instance.status)));
  object.set("step", instance.step);
  object.set("attempt", instance.attempt);
  object.set("error", instance.error);
  object.set("rejection", instance.rejection);
  object.set("started_at", to_rfc3339(instance.started_at));
  object.set("updated_at", to_rfc3339(instance.updated_at));
  object.set("wake_at", instance.wake_at ? Json(to_rfc3339(*instance.wake_at)) : Json());
  object.set("correlation_id", to_string(instance.lineage.correlation_id));
  return object;
}

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

// The instance of that id; its definition may be left out when only one has the id.
Task<saga::Instance> find_saga(Transaction& tx, std::string definition, std::string id) {
  if (!definition.empty()) {
    auto instance = co_await saga::find_instance(tx, definition, id);
    if (instance) co_return std::move(*instance);
  } else {
    auto matches = co_await saga::find_by_id(tx, id);
    if (matches.size() == 1) co_return std::move(matches.front());
    if (matches.size() > 1) {
      throw Error(Condition::conflict,
                  fmt::format("several sagas are called {}; name one as definition/id", id));
    }
  }
  throw Error(Condition::not_found,
              fmt::format("there is no saga {}; `sinew saga list` shows which there are", id));
}

Task<Json> list_sagas(Call call) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  saga::InstanceFilter filter;
  filter.definition = arguments.definition;
  filter.status = arguments.status;
  filter.limit = static_cast<std::size_t>(arguments.limit);
  const auto instances =
      co_await call.database.read([&](Transaction& tx) -> Task<std::vector<saga::Instance>> {
        co_return co_await saga::list_instances(tx, filter);
      });
  JsonArray sagas;
  for (const auto& instance : instances)
    sagas.push_back(saga_summary(instance));
  JsonObject answer;
  answer.set("sagas", std::move(sagas));
  co_return answer;
}

Task<Json> show_saga(Call call) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  co_return co_await call.database.read([&](Transaction& tx) -> Task<Json> {
    const auto instance = co_await find_saga(tx, arguments.definition, arguments.id);
    Json summary = saga_summary(instance);
    summary.as_object().set("data", instance.data);
    JsonArray entries;
    for (const auto& entry : co_await saga::history(tx, instance.definition, instance.id)) {
      JsonObject object;
      object.set("at", to_rfc3339(entry.at));
      object.set("step", entry.step);
      object.set("what", entry.what);
      object.set("detail", entry.detail);
      entries.push_back(std::move(object));
    }
    JsonObject answer;
    answer.set("saga", std::move(summary));
    answer.set("history", std::move(entries));
    co_return answer;
  });
}

Task<Json> request(Call call, saga::Verb verb) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  if ((verb == saga::Verb::resolve) != arguments.result.has_value()) {
    throw Error(Condition::invalid_input,
                "resolve wants the reply to assume as `result`, and only resolve does");
  }
  const Uuid id = call.runtime.new_id();
  const Timestamp now = call.runtime.wall_now();
  co_return co_await call.database.transaction([&](Transaction& tx) -> Task<Json> {
    const auto instance = co_await find_saga(tx, arguments.definition, arguments.id);
    saga::VerbRequest wanted;
    wanted.id = id;
    wanted.target = {instance.definition, instance.id};
    wanted.verb = verb;
    wanted.result = arguments.result.value_or(Json());
    wanted.actor = call.actor;
    wanted.reason = arguments.reason;
    wanted.requested_at = now;
    co_await saga::request_verb(tx, std::move(wanted));
    JsonObject done;
    done.set("verb", std::string(to_string(verb)));
    done.set("definition", instance.definition);
    done.set("id", instance.id);
    JsonObject answer;
    answer.set("requested", std::move(done));
    co_return answer;
  });
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
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
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
                   std::string actor, Json arguments) {
  Call call{runtime, database, std::move(actor), std::move(arguments)};
  if (operation == "saga.list") return list_sagas(std::move(call));
  if (operation == "saga.show") return show_saga(std::move(call));
  if (operation == "dlq.list") return list_messages(std::move(call));
  if (operation == "dlq.show") return show_message(std::move(call));
  if (operation == "dlq.replay") return change_messages(std::move(call), Removal::replay);
  if (operation == "dlq.discard") return change_messages(std::move(call), Removal::discard);
  if (operation == "audit.list") return list_audit(std::move(call));
  if (operation.starts_with("resilience.")) refuse_without_host(operation);
  if (operation.starts_with("saga.")) {
    if (const auto verb = saga::parse_verb(operation.substr(5))) {
      return request(std::move(call), *verb);
    }
  }
  throw Error(Condition::not_found, fmt::format("there is no operation {}", operation));
}

}  // namespace sinew::context
