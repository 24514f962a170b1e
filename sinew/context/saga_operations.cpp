#include "sinew/context/saga_operations.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/audit.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/locks.hpp"
#include "sinew/saga/takeover.hpp"
#include "sinew/saga/verb_requests.hpp"
#include "sinew/saga/verbs.hpp"

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
  std::optional<Json> data;
};
BOOST_DESCRIBE_STRUCT(SagaArguments, (), (definition, id, status, limit, reason, result, data))
constexpr auto constraints(const SagaArguments*) {
  return sinew::constraints(field(&SagaArguments::definition, length(0, 60), defaulted()),
                            field(&SagaArguments::id, length(0, 200), defaulted()),
                            field(&SagaArguments::status, length(0, 40), defaulted()),
                            field(&SagaArguments::limit, between(1, 1000), defaulted()),
                            field(&SagaArguments::reason, length(0, 500), defaulted()));
}

struct MigrateArguments {
  std::string definition;
  std::int64_t to = 0;
  std::vector<std::string> ids;
  bool all = false;
  std::string after;
  bool dry_run = false;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(MigrateArguments, (), (definition, to, ids, all, after, dry_run, reason))
constexpr auto constraints(const MigrateArguments*) {
  return sinew::constraints(field(&MigrateArguments::definition, length(1, 60)),
                            field(&MigrateArguments::to, between(1, 1'000'000'000)),
                            field(&MigrateArguments::ids, items(0, 1000), defaulted()),
                            field(&MigrateArguments::all, defaulted()),
                            field(&MigrateArguments::after, length(0, 200), defaulted()),
                            field(&MigrateArguments::dry_run, defaulted()),
                            field(&MigrateArguments::reason, length(0, 500), defaulted()));
}

struct OutcomeArguments {
  Uuid request;
};
BOOST_DESCRIBE_STRUCT(OutcomeArguments, (), (request))

struct UnlockArguments {
  std::string resource;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(UnlockArguments, (), (resource, reason))
constexpr auto constraints(const UnlockArguments*) {
  return sinew::constraints(field(&UnlockArguments::resource, length(1, 200)),
                            field(&UnlockArguments::reason, length(0, 500), defaulted()));
}

constexpr std::size_t migrations_a_call = 1000;

Json next_of(const saga::Instance& instance) {
  JsonArray next;
  for (const saga::Advice& each : saga::advice(instance)) {
    next.push_back(JsonObject{{"verb", std::string(to_string(each.verb))}, {"does", each.text}});
  }
  return Json(std::move(next));
}

std::string verbs_of(const saga::Instance& instance) {
  std::string verbs;
  for (const saga::Advice& each : saga::advice(instance))
    verbs += (verbs.empty() ? "" : ", ") + std::string(to_string(each.verb));
  return verbs;
}

JsonObject summary_of(const saga::Instance& instance) {
  JsonObject object;
  object.set("definition", instance.definition);
  object.set("id", instance.id);
  object.set("version", instance.definition_version);
  object.set("status", std::string(to_string(instance.status)));
  object.set("step", instance.step);
  object.set("step_name", instance.step_name);
  object.set("attempt", instance.attempt);
  object.set("error", instance.error);
  object.set("rejection", instance.rejection);
  object.set("started_at", to_rfc3339(instance.started_at));
  object.set("updated_at", to_rfc3339(instance.updated_at));
  object.set("wake_at", instance.wake_at ? Json(to_rfc3339(*instance.wake_at)) : Json());
  object.set("correlation_id", to_string(instance.lineage.correlation_id));
  object.set("next", verbs_of(instance));
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

Task<Json> list(Call call) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  saga::InstanceFilter filter;
  filter.definition = arguments.definition;
  if (!arguments.status.empty()) {
    filter.status = saga::find_status(arguments.status);
    if (!filter.status) {
      throw Error(Condition::invalid_input,
                  fmt::format("no saga is ever {}: running, compensating, completed, compensated, "
                              "suspended or compensation_failed",
                              arguments.status));
    }
  }
  filter.limit = static_cast<std::size_t>(arguments.limit);
  const auto instances =
      co_await call.database.read([&](Transaction& tx) -> Task<std::vector<saga::Instance>> {
        co_return co_await saga::list_instances(tx, filter);
      });
  JsonArray sagas;
  for (const auto& instance : instances)
    sagas.push_back(summary_of(instance));
  co_return JsonObject{{"sagas", std::move(sagas)}};
}

Task<Json> show(Call call) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  co_return co_await call.database.read([&](Transaction& tx) -> Task<Json> {
    const auto instance = co_await find_saga(tx, arguments.definition, arguments.id);
    JsonObject summary = summary_of(instance);
    summary.set("data", instance.data);
    JsonArray entries;
    for (const auto& entry : co_await saga::history(tx, instance.definition, instance.id)) {
      entries.push_back(JsonObject{{"at", to_rfc3339(entry.at)},
                                   {"step", entry.step},
                                   {"what", entry.what},
                                   {"detail", entry.detail}});
    }
    co_return JsonObject{
        {"saga", std::move(summary)}, {"next", next_of(instance)}, {"history", std::move(entries)}};
  });
}

// What the verb is told beside whom it is for.
Json argument_of(saga::Verb verb, const SagaArguments& arguments) {
  if ((verb == saga::Verb::resolve) != arguments.result.has_value()) {
    throw Error(Condition::invalid_input,
                "resolve wants the reply to assume as `result`, and only resolve does");
  }
  if ((verb == saga::Verb::edit) != arguments.data.has_value()) {
    throw Error(Condition::invalid_input,
                "edit wants the members to replace as `data`, and only edit does");
  }
  if (verb == saga::Verb::resolve) return *arguments.result;
  if (verb != saga::Verb::edit) return {};
  if (!arguments.data->is_object() || arguments.data->as_object().empty()) {
    throw Error(Condition::invalid_input, "data: expected an object with the members to replace");
  }
  return *arguments.data;
}

Task<Json> record(Transaction& tx, saga::VerbRequest request) {
  JsonObject done{{"request", to_string(request.id)},
                  {"verb", std::string(to_string(request.verb))},
                  {"definition", request.target.definition},
                  {"id", request.target.id}};
  co_await saga::request_verb(tx, std::move(request));
  co_return Json(std::move(done));
}

Task<Json> request(Call call, saga::Verb verb) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  saga::VerbRequest wanted;
  wanted.id = call.runtime.new_id();
  wanted.verb = verb;
  wanted.argument = argument_of(verb, arguments);
  wanted.actor = call.actor;
  wanted.reason = arguments.reason;
  wanted.requested_at = call.runtime.wall_now();
  co_return co_await call.database.transaction([&](Transaction& tx) -> Task<Json> {
    const auto instance = co_await find_saga(tx, arguments.definition, arguments.id);
    saga::VerbRequest request = wanted;
    request.target = {instance.definition, instance.id};
    co_return JsonObject{{"requested", co_await record(tx, std::move(request))}};
  });
}

Task<std::vector<saga::Instance>> chosen(Transaction& tx, const MigrateArguments& arguments) {
  if (arguments.all) {
    co_return co_await saga::instances_of_other_versions(tx, arguments.definition,
                                                         static_cast<std::int32_t>(arguments.to),
                                                         arguments.after, migrations_a_call);
  }
  std::vector<saga::Instance> instances;
  for (const auto& id : arguments.ids)
    instances.push_back(co_await find_saga(tx, arguments.definition, id));
  co_return instances;
}

// What would become of each, without doing it.
Json preview(const std::vector<saga::Instance>& instances, const saga::Definition& definition) {
  JsonArray sagas;
  for (const saga::Instance& instance : instances) {
    JsonObject row{{"definition", instance.definition},
                   {"id", instance.id},
                   {"version", instance.definition_version},
                   {"step", instance.step_name}};
    saga::Instance moved = instance;
    try {
      saga::take_over(definition, moved);
      row.set("to", moved.step_name);
      row.set("refusal", "");
    } catch (const Error& error) {
      row.set("to", "");
      row.set("refusal", error.detail());
    }
    sagas.push_back(std::move(row));
  }
  return Json(std::move(sagas));
}

const saga::Definition& wanted_version(const Call& call, const MigrateArguments& arguments) {
  if (call.sagas == nullptr) {
    throw Error(Condition::unsupported,
                "only a running host knows the definitions: a dry run needs one");
  }
  const auto* found =
      call.sagas->find(arguments.definition, static_cast<std::int32_t>(arguments.to));
  if (found != nullptr) return *found;
  throw Error(Condition::not_found, fmt::format("saga {} version {} is not registered",
                                                arguments.definition, arguments.to));
}

Task<Json> migrate(Call call) {
  const auto arguments = from_json<MigrateArguments>(call.arguments, ReadMode::strict);
  if (arguments.all != arguments.ids.empty()) {
    throw Error(Condition::invalid_input, "say which sagas: ids, or `all` without ids");
  }
  std::optional<std::string> after;
  const auto note_page = [&](const std::vector<saga::Instance>& instances) {
    if (arguments.all && instances.size() == migrations_a_call) after = instances.back().id;
  };
  JsonObject answer;
  if (arguments.dry_run) {
    const saga::Definition& definition = wanted_version(call, arguments);
    const auto instances =
        co_await call.database.read([&](Transaction& tx) -> Task<std::vector<saga::Instance>> {
          return chosen(tx, arguments);
        });
    note_page(instances);
    answer.set("sagas", preview(instances, definition));
  } else {
    const Json requested = co_await call.database.transaction([&](Transaction& tx) -> Task<Json> {
      JsonArray all;
      const auto instances = co_await chosen(tx, arguments);
      note_page(instances);
      for (const saga::Instance& instance : instances) {
        saga::VerbRequest wanted;
        wanted.id = call.runtime.new_id();
        wanted.target = {instance.definition, instance.id};
        wanted.verb = saga::Verb::migrate;
        wanted.argument = Json(arguments.to);
        wanted.actor = call.actor;
        wanted.reason = arguments.reason;
        wanted.requested_at = call.runtime.wall_now();
        all.push_back(co_await record(tx, std::move(wanted)));
      }
      co_return Json(std::move(all));
    });
    answer.set("requested", requested);
  }
  if (after) answer.set("after", *after);
  co_return Json(std::move(answer));
}

Task<Json> outcome(Call call) {
  const auto arguments = from_json<OutcomeArguments>(call.arguments, ReadMode::strict);
  const auto found =
      co_await call.database.read([&](Transaction& tx) -> Task<std::optional<saga::VerbOutcome>> {
        co_return co_await saga::verb_outcome(tx, arguments.request);
      });
  JsonObject answer;
  answer.set("state", !found ? "pending" : found->refusal.empty() ? "done" : "refused");
  if (found && !found->refusal.empty()) answer.set("refusal", found->refusal);
  co_return Json(std::move(answer));
}

Task<Json> locks(Call call) {
  const auto arguments = from_json<SagaArguments>(call.arguments, ReadMode::strict);
  const auto held =
      co_await call.database.read([&](Transaction& tx) -> Task<std::vector<saga::Lock>> {
        co_return co_await saga::list_locks(tx, static_cast<std::size_t>(arguments.limit));
      });
  JsonArray rows;
  for (const saga::Lock& lock : held) {
    rows.push_back(JsonObject{{"resource", lock.resource},
                              {"saga", lock.owner.definition + "/" + lock.owner.id},
                              {"state", lock.accepted ? "held" : "handed over"},
                              {"locked_at", to_rfc3339(lock.locked_at)},
                              {"waiting", lock.waiting}});
  }
  co_return JsonObject{{"locks", std::move(rows)}};
}

Task<Json> unlock(Call call) {
  const auto arguments = from_json<UnlockArguments>(call.arguments, ReadMode::strict);
  const messaging::AuditEntry record{
      call.runtime.new_id(), call.runtime.wall_now(), call.actor,
      "saga unlock",         arguments.resource,      arguments.reason};
  co_await call.database.transaction([&](Transaction& tx) -> Task<void> {
    co_await saga::Locks::force_release(tx, arguments.resource, record.at);
    co_await messaging::audit(tx, record);
  });
  co_return JsonObject{{"unlocked", arguments.resource}};
}

}  // namespace

Task<Json> operate_on_sagas(Call call, std::string what) {
  if (what == "list") return list(std::move(call));
  if (what == "show") return show(std::move(call));
  if (what == "locks") return locks(std::move(call));
  if (what == "unlock") return unlock(std::move(call));
  if (what == "outcome") return outcome(std::move(call));
  if (what == "migrate") return migrate(std::move(call));
  if (const auto verb = saga::parse_verb(what)) return request(std::move(call), *verb);
  throw Error(Condition::not_found, fmt::format("there is no operation saga.{}", what));
}

}  // namespace sinew::context
