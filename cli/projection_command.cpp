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

struct ProjectionOptions {
  std::string projection;
  std::string key;
  std::string event;
  std::string reason;
  bool cancel = false;
};

std::vector<std::string> chosen(const System& system, const Options& options) {
  if (!options.context.empty()) return {options.context};
  return system.contexts();
}

// A rebuild in a cell of a table.
std::string progress_of(const Json& projection) {
  if (projection.at("rebuild_asked").as_bool()) return "asked";
  const Json& rebuild = projection.at("rebuild");
  if (rebuild.is_null()) return "";
  const std::int64_t events = rebuild.at("events").as_integer();
  return fmt::format("{} {} of {}", rebuild.at("state").as_string(), events,
                     events + rebuild.at("left").as_integer());
}

Task<int> list(System& system, const Options& options) {
  JsonArray rows;
  for (const auto& context : chosen(system, options)) {
    Json answer = co_await system.operate(context, "projection.list", Json(JsonObject()));
    for (Json& row : answer.as_object().find("projections")->as_array()) {
      row.as_object().set("context", context);
      rows.push_back(std::move(row));
    }
  }
  if (options.format == Format::json) {
    print(to_pretty_text(Json(JsonObject{{"projections", rows}})));
    co_return rows.empty() ? exit_nothing : exit_done;
  }
  for (Json& row : rows) {
    const std::string progress = progress_of(row);
    row.as_object().set("rebuild", progress);
  }
  print(table(rows,
              {{"context", "CONTEXT"},
               {"projection", "PROJECTION"},
               {"state", "STATE"},
               {"version", "VERSION"},
               {"generation", "GENERATION"},
               {"behind", "BEHIND"},
               {"seconds", "SECONDS"},
               {"held_keys", "HELD KEYS"},
               {"rebuild", "REBUILD"},
               {"error", "ERROR"}},
              true));
  co_return rows.empty() ? exit_nothing : exit_done;
}

// Asks each context until one knows the projection.
Task<std::pair<std::string, Json>> ask(System& system, const Options& options,
                                       const std::string& operation, const Json& arguments) {
  std::string missing = "the system has no context";
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

Task<int> show(System& system, const Options& options, const ProjectionOptions& chosen_one) {
  JsonObject arguments;
  arguments.set("projection", chosen_one.projection);
  const auto [context, answer] =
      co_await ask(system, options, "projection.show", Json(std::move(arguments)));
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
    co_return exit_done;
  }
  print(sheet(answer.at("projection")));
  print("\n");
  print(table(answer.at("held").as_array(),
              {{"key", "KEY"},
               {"events", "EVENTS"},
               {"event", "FIRST"},
               {"state", "STATE"},
               {"held_at", "SINCE"},
               {"reason", "REASON"}},
              false));
  print("\n");
  print(table(answer.at("skipped").as_array(),
              {{"event", "SKIPPED"}, {"at", "AT"}, {"actor", "ACTOR"}, {"reason", "REASON"}},
              false));
  co_return exit_done;
}

JsonObject arguments_of(const std::string& verb, const ProjectionOptions& projection) {
  JsonObject arguments;
  arguments.set("projection", projection.projection);
  arguments.set("reason", projection.reason);
  if (verb == "resume" && !projection.key.empty()) arguments.set("key", projection.key);
  if (verb == "skip") arguments.set("event", projection.event);
  if (verb == "rebuild") arguments.set("cancel", projection.cancel);
  return arguments;
}

std::string done_by(const std::string& verb, const ProjectionOptions& projection) {
  if (verb == "skip") return "the event is skipped";
  if (verb == "resume") return "it tries again";
  return projection.cancel ? "the rebuild is given up" : "it is rebuilt beside the live view";
}

Task<int> change(System& system, const Options& options, const ProjectionOptions& projection,
                 const std::string& verb) {
  const auto [context, answer] =
      co_await ask(system, options, "projection." + verb, Json(arguments_of(verb, projection)));
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
    co_return exit_done;
  }
  const std::string_view when = system.running(context) ? "" : ", at the next start";
  print(fmt::format("{} of {}: {}{}\n", projection.projection, context, done_by(verb, projection),
                    when));
  co_return exit_done;
}

}  // namespace

void add_projection_commands(CLI::App& program, const Options& options, Action& action) {
  auto* group = program.add_subcommand("projection", "Views of the contexts' event logs");
  group->require_subcommand(1);
  auto projection = std::make_shared<ProjectionOptions>();

  group->add_subcommand("list", "Views: how far behind, what is held, rebuilds")
      ->callback([&action, &options] {
        action = [&options](System& system) { return list(system, options); };
      });
  auto* show_command = group->add_subcommand("show", "One view, its held keys and skipped events");
  show_command->add_option("projection", projection->projection, "Its name")->required();
  show_command->callback([&action, &options, projection] {
    action = [&options, projection](System& system) { return show(system, options, *projection); };
  });

  const auto add = [&](const std::string& verb, const std::string& text) {
    auto* command = group->add_subcommand(verb, text);
    command->add_option("projection", projection->projection, "Its name")->required();
    command->callback([&action, &options, projection, verb] {
      action = [&options, projection, verb](System& system) {
        return change(system, options, *projection, verb);
      };
    });
    return command;
  };
  auto* resume = add("resume", "Try the event again that a view, its rebuild or a key stands at");
  resume->add_option("--key", projection->key, "Only the held key");
  resume->add_option("--reason", projection->reason, "For the audit record");
  auto* skip = add("skip", "Let one event that cannot be applied be missing");
  skip->add_option("--event", projection->event, "Its id")->required();
  skip->add_option("--reason", projection->reason, "Why it may be missing")->required();
  auto* rebuild = add("rebuild", "Make the view anew beside the live one, then swap");
  rebuild->add_flag("--cancel", projection->cancel, "Give the rebuild up");
  rebuild->add_option("--reason", projection->reason, "For the audit record");
}

}  // namespace sinew::cli
