#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "cli/command.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace sinew::cli {
namespace {

struct SagaOptions {
  std::string status;
  std::string definition;
  std::int64_t limit = 100;
  std::string id;
  std::string result;
  std::string data;
  std::string reason;
  std::int64_t wait = 10;  // seconds
  std::vector<std::string> ids;
  std::int64_t to = 0;
  bool all = false;
  bool dry_run = false;
};

// Between two looks at what became of a verb.
constexpr Duration look_again = std::chrono::milliseconds(50);

std::vector<std::string> chosen(const System& system, const Options& options) {
  if (!options.context.empty()) return {options.context};
  return system.contexts();
}

// DEFINITION/ID, or ID alone.
JsonObject target_of(const SagaOptions& saga) {
  JsonObject arguments;
  const std::size_t slash = saga.id.find('/');
  if (slash == std::string::npos) {
    arguments.set("id", saga.id);
  } else {
    arguments.set("definition", saga.id.substr(0, slash));
    arguments.set("id", saga.id.substr(slash + 1));
  }
  return arguments;
}

Task<int> list(System& system, const Options& options, const SagaOptions& saga) {
  JsonObject arguments;
  arguments.set("status", saga.status);
  arguments.set("definition", saga.definition);
  arguments.set("limit", saga.limit);
  JsonArray rows;
  for (const auto& context : chosen(system, options)) {
    Json answer = co_await system.operate(context, "saga.list", Json(arguments));
    for (Json& row : answer.as_object().find("sagas")->as_array()) {
      row.as_object().set("context", context);
      rows.push_back(std::move(row));
    }
  }
  if (options.format == Format::json) {
    JsonObject document;
    document.set("sagas", rows);
    print(to_pretty_text(Json(std::move(document))));
  } else {
    print(table(rows,
                {{"context", "CONTEXT"},
                 {"definition", "SAGA"},
                 {"id", "ID"},
                 {"status", "STATUS"},
                 {"step_name", "STEP"},
                 {"attempt", "ATTEMPT"},
                 {"updated_at", "UPDATED"},
                 {"next", "NEXT"},
                 {"error", "ERROR"}},
                true));
  }
  co_return rows.empty() ? exit_nothing : exit_done;
}

// Asks each context until one knows the saga.
Task<std::pair<std::string, Json>> ask(System& system, const Options& options,
                                       const std::string& operation, const Json& arguments) {
  std::string missing;
  for (const auto& context : chosen(system, options)) {
    try {
      co_return std::pair{context, co_await system.operate(context, operation, arguments)};
    } catch (const Error& error) {
      if (error.condition() != Condition::not_found) throw;
      missing = error.detail();
    }
  }
  throw Error(Condition::not_found, missing);
}

Task<int> show(System& system, const Options& options, const SagaOptions& saga) {
  auto [context, answer] = co_await ask(system, options, "saga.show", Json(target_of(saga)));
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
    co_return exit_done;
  }
  print(sheet(answer.at("saga")));
  if (!answer.at("next").as_array().empty()) {
    print(fmt::format("\nIt waits for you: sinew saga VERB {}\n\n", saga.id));
    print(table(answer.at("next").as_array(), {{"verb", "VERB"}, {"does", "WHAT IT DOES HERE"}},
                false));
  }
  print("\n");
  print(table(answer.at("history").as_array(),
              {{"at", "AT"}, {"step", "STEP"}, {"what", "WHAT"}, {"detail", "DETAIL"}}, false));
  co_return exit_done;
}

Json parsed(const std::string& text, std::string_view option) {
  try {
    return parse_json(text);
  } catch (const Error& error) {
    throw Error(Condition::invalid_input, fmt::format("{} is no JSON: {}", option, error.detail()));
  }
}

// What the host did with a verb; waits as long as the operator does.
Task<Json> outcome_of(System& system, std::string context, std::string request,
                      std::int64_t wait_seconds) {
  const auto looks = std::chrono::seconds(wait_seconds) / look_again + 1;
  Json outcome;
  for (std::int64_t look = 0; look < looks; ++look) {
    if (look > 0) co_await async::sleep_for(look_again);
    outcome =
        co_await system.operate(context, "saga.outcome", Json(JsonObject{{"request", request}}));
    if (outcome.at("state").as_string() != "pending") break;
  }
  co_return outcome;
}

// Throws what was refused, or not done while somebody waited.
void insist(const Json& outcome, const std::string& verb, const std::string& id,
            std::int64_t wait_seconds) {
  const std::string& state = outcome.at("state").as_string();
  if (state == "refused") {
    throw Error(Condition::conflict, fmt::format("{} of {} was refused: {}", verb, id,
                                                 outcome.at("refusal").as_string()));
  }
  if (state == "done") return;
  throw Error(Condition::timeout,
              fmt::format("{} of {} is recorded, but the host did not come to it in {} s; `sinew "
                          "saga show {}` tells what becomes of it",
                          verb, id, wait_seconds, id));
}

Task<int> request(System& system, const Options& options, const SagaOptions& saga,
                  const std::string& verb) {
  JsonObject arguments = target_of(saga);
  arguments.set("reason", saga.reason);
  if (!saga.result.empty()) arguments.set("result", parsed(saga.result, "--result"));
  if (!saga.data.empty()) arguments.set("data", parsed(saga.data, "--data"));
  auto [context, answer] =
      co_await ask(system, options, "saga." + verb, Json(std::move(arguments)));
  const bool running = system.running(context);
  if (running) {
    const std::string id = answer.at("requested").at("request").as_string();
    const Json outcome = co_await outcome_of(system, context, id, saga.wait);
    insist(outcome, verb, saga.id, saga.wait);
  }
  answer.as_object().set("takes_effect", running ? "now" : "at next start");
  print(options.format == Format::json ? to_pretty_text(answer)
        : running                      ? fmt::format("{} of {} took effect\n", verb, saga.id)
                  : fmt::format("{} of {} recorded; takes effect at next start\n", verb, saga.id));
  co_return exit_done;
}

JsonObject migration_of(const SagaOptions& saga) {
  JsonObject arguments{{"definition", saga.definition},
                       {"to", saga.to},
                       {"all", saga.all},
                       {"dry_run", saga.dry_run},
                       {"reason", saga.reason}};
  JsonArray ids;
  for (const auto& id : saga.ids)
    ids.push_back(id);
  arguments.set("ids", std::move(ids));
  return arguments;
}

// Every saga chosen, as a row with `to` or `refusal`: what would become of it, or became.
Task<JsonArray> migrate_in(System& system, const std::string& context, const SagaOptions& saga) {
  JsonArray rows;
  JsonObject arguments = migration_of(saga);
  for (bool more = true; more;) {
    Json answer = co_await system.operate(context, "saga.migrate", Json(arguments));
    const Json* after = answer.find("after");
    more = after != nullptr;
    if (more) arguments.set("after", *after);
    const JsonArray& page = answer.at(saga.dry_run ? "sagas" : "requested").as_array();
    for (Json row : page) {
      if (!saga.dry_run && system.running(context)) {
        const std::string request = row.at("request").as_string();
        const Json outcome = co_await outcome_of(system, context, request, saga.wait);
        const Json* refusal = outcome.find("refusal");
        row.as_object().set("state", outcome.at("state"));
        row.as_object().set("refusal", refusal != nullptr ? *refusal : Json(""));
      } else if (!saga.dry_run) {
        row.as_object().set("state", "recorded");
        row.as_object().set("refusal", "");
      } else {
        const bool refused = !row.at("refusal").as_string().empty();
        row.as_object().set("state", refused ? "would be refused" : "would move");
      }
      row.as_object().set("context", context);
      rows.push_back(std::move(row));
    }
  }
  co_return rows;
}

Task<int> migrate(System& system, const Options& options, const SagaOptions& saga) {
  JsonArray rows;
  bool stopped = false;
  std::string missing;
  for (const auto& context : chosen(system, options)) {
    try {
      JsonArray here = co_await migrate_in(system, context, saga);
      stopped = stopped || (!here.empty() && !system.running(context));
      rows.insert(rows.end(), here.begin(), here.end());
    } catch (const Error& error) {
      if (error.condition() != Condition::not_found) throw;
      missing = error.detail();
    }
  }
  if (rows.empty() && !missing.empty()) throw Error(Condition::not_found, missing);
  if (options.format == Format::json) {
    print(to_pretty_text(Json(JsonObject{{"sagas", rows}})));
  } else {
    print(table(rows,
                {{"context", "CONTEXT"},
                 {"definition", "SAGA"},
                 {"id", "ID"},
                 {"state", "STATE"},
                 {"refusal", "WHY NOT"}},
                true));
    if (stopped) print("takes effect at next start\n");
  }
  if (rows.empty()) co_return exit_nothing;
  const bool refused = std::ranges::any_of(rows, [](const Json& row) {
    const std::string& state = row.at("state").as_string();
    return state == "refused" || state == "pending" || state == "would be refused";
  });
  co_return refused ? exit_failed : exit_done;
}

Task<int> locks(System& system, const Options& options, const SagaOptions& saga) {
  JsonArray rows;
  for (const auto& context : chosen(system, options)) {
    Json answer =
        co_await system.operate(context, "saga.locks", Json(JsonObject{{"limit", saga.limit}}));
    for (Json& row : answer.as_object().find("locks")->as_array()) {
      row.as_object().set("context", context);
      rows.push_back(std::move(row));
    }
  }
  if (options.format == Format::json) {
    print(to_pretty_text(Json(JsonObject{{"locks", rows}})));
  } else {
    print(table(rows,
                {{"context", "CONTEXT"},
                 {"resource", "RESOURCE"},
                 {"saga", "SAGA"},
                 {"state", "STATE"},
                 {"locked_at", "SINCE"},
                 {"waiting", "WAITING"}},
                true));
  }
  co_return rows.empty() ? exit_nothing : exit_done;
}

Task<int> unlock(System& system, const Options& options, const SagaOptions& saga) {
  auto [context, answer] =
      co_await ask(system, options, "saga.unlock",
                   Json(JsonObject{{"resource", saga.id}, {"reason", saga.reason}}));
  print(options.format == Format::json ? to_pretty_text(answer)
                                       : fmt::format("{} unlocked in {}\n", saga.id, context));
  co_return exit_done;
}

void add_locks(CLI::App& group, const std::shared_ptr<SagaOptions>& saga, const Options& options,
               Action& action) {
  auto* list = group.add_subcommand("locks", "What sagas keep from each other, and who waits");
  list->add_option("--limit", saga->limit, "At most so many a context (1 to 1000)");
  list->callback([&action, &options, saga] {
    action = [&options, saga](System& system) { return locks(system, options, *saga); };
  });
  auto* release =
      group.add_subcommand("unlock", "Take a lock from a saga that will not release it");
  release->add_option("resource", saga->id, "As `saga locks` shows it")->required();
  release->add_option("--reason", saga->reason, "For the audit record");
  release->callback([&action, &options, saga] {
    action = [&options, saga](System& system) { return unlock(system, options, *saga); };
  });
}

void add_verbs(CLI::App& group, const std::shared_ptr<SagaOptions>& saga, const Options& options,
               Action& action) {
  const std::vector<std::pair<std::string, std::string>> verbs{
      {"retry", "Try the step it stands at once more"},
      {"skip", "Take the step as done, without a result"},
      {"resolve", "Take the step as answered with --result"},
      {"compensate", "Undo what was done, from the step it stands at"},
      {"edit", "Replace members of its data by those of --data"}};
  for (const auto& [verb, text] : verbs) {
    auto* command = group.add_subcommand(verb, text);
    command->add_option("id", saga->id, "ID, or SAGA/ID")->required();
    command->add_option("--reason", saga->reason, "For the audit record");
    command->add_option("--wait", saga->wait, "Seconds to wait for a running host (0 to 600; 10)")
        ->check(CLI::Range(0, 600));
    if (verb == "resolve") {
      command->add_option("--result", saga->result, "The reply to assume, as JSON")->required();
    }
    if (verb == "edit") {
      command->add_option("--data", saga->data, "The members to replace, as a JSON object")
          ->required();
    }
    command->callback([&action, &options, saga, chosen_verb = std::string(verb)] {
      action = [&options, saga, chosen_verb](System& system) {
        return request(system, options, *saga, chosen_verb);
      };
    });
  }
}

void add_migrate(CLI::App& group, const std::shared_ptr<SagaOptions>& saga, const Options& options,
                 Action& action) {
  auto* command =
      group.add_subcommand("migrate", "Have sagas go on in another version of their definition");
  command->add_option("ids", saga->ids, "IDs of sagas");
  command->add_option("--definition,--saga", saga->definition, "The sagas' name")->required();
  command->add_option("--to", saga->to, "The version")->required()->check(CLI::PositiveNumber);
  command->add_flag("--all", saga->all, "Every live saga of the name in another version");
  command->add_flag("--dry-run", saga->dry_run, "Only say what would become of each");
  command->add_option("--reason", saga->reason, "For the audit record");
  command->add_option("--wait", saga->wait, "Seconds to wait for a running host (0 to 600; 10)")
      ->check(CLI::Range(0, 600));
  command->callback([&action, &options, saga] {
    action = [&options, saga](System& system) { return migrate(system, options, *saga); };
  });
}

}  // namespace

void add_saga_commands(CLI::App& program, const Options& options, Action& action) {
  auto* group = program.add_subcommand("saga", "Sagas: what runs, why it stands, what to do");
  group->require_subcommand(1);
  auto saga = std::make_shared<SagaOptions>();

  auto* list_command = group->add_subcommand("list", "Sagas, newest first");
  list_command->add_option("--status", saga->status, "Only sagas in this status")
      ->check(CLI::IsMember({"running", "compensating", "completed", "compensated", "suspended",
                             "compensation_failed"}));
  list_command->add_option("--saga", saga->definition, "Only sagas of this name");
  list_command->add_option("--limit", saga->limit, "At most so many a context (1 to 1000)");
  list_command->callback([&action, &options, saga] {
    action = [&options, saga](System& system) { return list(system, options, *saga); };
  });

  auto* show_command = group->add_subcommand("show", "One saga with its data and history");
  show_command->add_option("id", saga->id, "ID, or SAGA/ID")->required();
  show_command->callback([&action, &options, saga] {
    action = [&options, saga](System& system) { return show(system, options, *saga); };
  });

  add_verbs(*group, saga, options, action);
  add_migrate(*group, saga, options, action);
  add_locks(*group, saga, options, action);
}

}  // namespace sinew::cli
