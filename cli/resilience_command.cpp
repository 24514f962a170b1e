#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <utility>

#include "cli/command.hpp"
#include "sinew/base/error.hpp"

namespace sinew::cli {
namespace {

struct ResilienceOptions {
  std::string pipeline;
  std::string breaker;
  bool clear_cache = false;
  std::string reason;
};

// Pipelines live in running hosts only. When none runs, the first context says so.
std::vector<std::string> chosen(const System& system, const Options& options) {
  if (!options.context.empty()) return {options.context};
  std::vector<std::string> contexts = system.contexts();
  std::erase_if(contexts, [&](const std::string& context) { return !system.running(context); });
  if (contexts.empty()) return {system.contexts().front()};
  return contexts;
}

struct Found {
  std::string context;
  Json state;
};

Task<std::vector<Found>> find(System& system, const Options& options, std::string pipeline) {
  JsonObject arguments;
  arguments.set("pipeline", pipeline);
  std::vector<Found> found;
  std::string missing;
  for (const auto& context : chosen(system, options)) {
    try {
      Json answer = co_await system.operate(context, "resilience.list", Json(arguments));
      for (Json& state : answer.as_object().find("pipelines")->as_array())
        found.push_back({context, std::move(state)});
    } catch (const Error& error) {
      if (error.condition() != Condition::not_found) throw;
      missing = error.detail();
    }
  }
  if (!pipeline.empty() && found.empty()) throw Error(Condition::not_found, missing);
  co_return found;
}

// A number of a step's state, or nothing when the pipeline has no such step.
Json number(const Json& state, std::string_view step, std::string_view member) {
  const Json* found = state.find(step);
  return found == nullptr ? Json() : found->at(member);
}

std::string breaker_text(const Json& state) {
  const Json* breaker = state.find("breaker");
  if (breaker == nullptr) return "";
  const Json& forced = breaker->at("forced");
  if (!forced.is_null()) return "forced " + forced.as_string();
  return breaker->at("state").as_string();
}

// A row of the table.
Json row_of(const Found& pipeline) {
  const Json& state = pipeline.state;
  std::string steps;
  for (const Json& step : state.at("steps").as_array())
    steps += (steps.empty() ? "" : " ") + step.as_string();
  JsonObject row;
  row.set("context", pipeline.context);
  row.set("pipeline", state.at("name"));
  row.set("breaker", breaker_text(state));
  row.set("refused", number(state, "breaker", "refused"));
  row.set("running", number(state, "bulkhead", "running"));
  row.set("waiting", number(state, "bulkhead", "waiting"));
  row.set("kept", number(state, "cache", "entries"));
  row.set("hits", number(state, "cache", "hits"));
  row.set("stale", number(state, "cache", "stale"));
  row.set("steps", steps);
  return row;
}

Task<int> list(System& system, const Options& options) {
  std::vector<Found> found = co_await find(system, options, "");
  JsonArray rows;
  for (Found& pipeline : found) {
    if (options.format == Format::table) {
      rows.push_back(row_of(pipeline));
    } else {
      pipeline.state.as_object().set("context", pipeline.context);
      rows.push_back(std::move(pipeline.state));
    }
  }
  if (options.format == Format::json) {
    JsonObject document;
    document.set("pipelines", std::move(rows));
    print(to_pretty_text(Json(std::move(document))));
  } else {
    print(table(rows,
                {{"context", "CONTEXT"},
                 {"pipeline", "PIPELINE"},
                 {"breaker", "BREAKER"},
                 {"refused", "REFUSED"},
                 {"running", "RUNNING"},
                 {"waiting", "WAITING"},
                 {"kept", "KEPT"},
                 {"hits", "HITS"},
                 {"stale", "STALE"},
                 {"steps", "STEPS"}},
                false));
  }
  co_return found.empty() ? exit_nothing : exit_done;
}

Task<int> force(System& system, const Options& options, const ResilienceOptions& wanted) {
  const auto found = co_await find(system, options, wanted.pipeline);
  if (found.size() > 1) {
    throw Error(Condition::conflict,
                fmt::format("{} and {} both have a pipeline {}; name one with --context",
                            found[0].context, found[1].context, wanted.pipeline));
  }
  JsonObject arguments;
  arguments.set("pipeline", wanted.pipeline);
  arguments.set("breaker", wanted.breaker);
  arguments.set("clear_cache", wanted.clear_cache);
  arguments.set("reason", wanted.reason);
  const std::string& context = found.front().context;
  Json answer = co_await system.operate(context, "resilience.force", Json(std::move(arguments)));
  if (options.format == Format::json) {
    answer.as_object().set("context", context);
    answer.as_object().set("lasts", "until the host stops");
    print(to_pretty_text(answer));
    co_return exit_done;
  }
  std::string done;
  if (!wanted.breaker.empty()) done = fmt::format("the breaker is {}", wanted.breaker);
  if (wanted.clear_cache) {
    done += fmt::format("{}{} kept answers are gone", done.empty() ? "" : ", ",
                        answer.at("cleared").as_integer());
  }
  print(fmt::format("{}/{}: {}; until the host stops\n", context, wanted.pipeline, done));
  co_return exit_done;
}

}  // namespace

void add_resilience_commands(CLI::App& program, const Options& options, Action& action) {
  auto* group = program.add_subcommand("resilience",
                                       "Pipelines of a running system: breakers, caches, limits");
  group->require_subcommand(1);
  auto wanted = std::make_shared<ResilienceOptions>();

  auto* list_command = group->add_subcommand("list", "Every pipeline with its state");
  list_command->callback([&action, &options] {
    action = [&options](System& system) { return list(system, options); };
  });

  auto* force_command = group->add_subcommand(
      "force", "Overrule a pipeline until the host stops; written to the context's log");
  force_command->add_option("pipeline", wanted->pipeline, "As `resilience list` shows")->required();
  force_command
      ->add_option("--breaker", wanted->breaker,
                   "open: refuse every call; closed: let every call pass; automatic: as usual")
      ->check(CLI::IsMember({"open", "closed", "automatic"}));
  force_command->add_flag("--clear-cache", wanted->clear_cache, "Forget every kept answer");
  force_command->add_option("--reason", wanted->reason, "For the log");
  force_command->callback([&action, &options, wanted] {
    action = [&options, wanted](System& system) { return force(system, options, *wanted); };
  });
}

}  // namespace sinew::cli
