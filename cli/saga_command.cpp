#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "cli/command.hpp"
#include "sinew/base/error.hpp"

namespace sinew::cli {
namespace {

struct SagaOptions {
  std::string status;
  std::string definition;
  std::int64_t limit = 100;
  std::string id;
  std::string result;
  std::string reason;
};

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
                 {"step", "STEP"},
                 {"attempt", "ATTEMPT"},
                 {"updated_at", "UPDATED"},
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
  print("\n");
  print(table(answer.at("history").as_array(),
              {{"at", "AT"}, {"step", "STEP"}, {"what", "WHAT"}, {"detail", "DETAIL"}}, false));
  co_return exit_done;
}

Json result_of(const SagaOptions& saga) {
  try {
    return parse_json(saga.result);
  } catch (const Error& error) {
    throw Error(Condition::invalid_input, "--result is no JSON: " + error.detail());
  }
}

Task<int> request(System& system, const Options& options, const SagaOptions& saga,
                  const std::string& verb) {
  JsonObject arguments = target_of(saga);
  arguments.set("reason", saga.reason);
  if (!saga.result.empty()) arguments.set("result", result_of(saga));
  auto [context, answer] =
      co_await ask(system, options, "saga." + verb, Json(std::move(arguments)));
  const bool running = system.running(context);
  answer.as_object().set("takes_effect", running ? "now" : "at next start");
  print(options.format == Format::json ? to_pretty_text(answer)
                                       : fmt::format("{} of {} recorded; takes effect {}\n", verb,
                                                     saga.id, running ? "now" : "at next start"));
  co_return exit_done;
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

  const std::vector<std::pair<std::string, std::string>> verbs{
      {"retry", "Try the step it stands at once more"},
      {"skip", "Take the step as done, without a result"},
      {"resolve", "Take the step as answered with --result"},
      {"compensate", "Undo what was done, from the step it stands at"}};
  for (const auto& [verb, text] : verbs) {
    auto* command = group->add_subcommand(verb, text);
    command->add_option("id", saga->id, "ID, or SAGA/ID")->required();
    command->add_option("--reason", saga->reason, "For the audit record");
    if (verb == "resolve") {
      command->add_option("--result", saga->result, "The reply to assume, as JSON")->required();
    }
    command->callback([&action, &options, saga, chosen_verb = std::string(verb)] {
      action = [&options, saga, chosen_verb](System& system) {
        return request(system, options, *saga, chosen_verb);
      };
    });
  }
}

}  // namespace sinew::cli
