#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "sinew/base/error.hpp"

namespace sinew::cli {
namespace {

struct DlqOptions {
  std::vector<std::string> ids;
  std::string consumer;
  std::string type;
  std::string key;
  std::string reason;
  bool all = false;
  bool dry_run = false;
  std::optional<std::int64_t> limit;
  std::string why;
};

std::vector<std::string> chosen(const System& system, const Options& options) {
  if (!options.context.empty()) return {options.context};
  return system.contexts();
}

JsonObject filter_of(const DlqOptions& dlq) {
  JsonObject arguments;
  arguments.set("consumer", dlq.consumer);
  arguments.set("type", dlq.type);
  arguments.set("key", dlq.key);
  arguments.set("reason", dlq.reason);
  arguments.set("all", dlq.all);
  if (dlq.limit) arguments.set("limit", *dlq.limit);
  return arguments;
}

Task<int> list(System& system, const Options& options, const DlqOptions& dlq) {
  JsonArray rows;
  for (const auto& context : chosen(system, options)) {
    Json answer = co_await system.operate(context, "dlq.list", Json(filter_of(dlq)));
    for (Json& row : answer.as_object().find("messages")->as_array()) {
      row.as_object().set("context", context);
      rows.push_back(std::move(row));
    }
  }
  if (options.format == Format::json) {
    JsonObject document;
    document.set("messages", rows);
    print(to_pretty_text(Json(std::move(document))));
  } else {
    print(table(rows,
                {{"context", "CONTEXT"},
                 {"id", "ID"},
                 {"state", "STATE"},
                 {"key", "KEY"},
                 {"type", "TYPE"},
                 {"attempts", "ATTEMPTS"},
                 {"reason", "REASON"},
                 {"last_error", "LAST ERROR"}},
                true));
  }
  co_return rows.empty() ? exit_nothing : exit_done;
}

Task<int> show(System& system, const Options& options, const DlqOptions& dlq) {
  JsonObject arguments;
  arguments.set("id", dlq.ids.front());
  std::string missing;
  for (const auto& context : chosen(system, options)) {
    try {
      const Json answer = co_await system.operate(context, "dlq.show", Json(arguments));
      print(options.format == Format::json ? to_pretty_text(answer) : sheet(answer.at("message")));
      co_return exit_done;
    } catch (const Error& error) {
      if (error.condition() != Condition::not_found) throw;
      missing = error.detail();
    }
  }
  throw Error(Condition::not_found, missing);
}

Task<int> change(System& system, const Options& options, const DlqOptions& dlq,
                 const std::string& verb) {
  JsonObject arguments = filter_of(dlq);
  JsonArray ids;
  for (const auto& id : dlq.ids)
    ids.push_back(id);
  arguments.set("ids", std::move(ids));
  arguments.set("dry_run", dlq.dry_run);
  arguments.set("why", dlq.why);
  std::int64_t count = 0;
  bool stopped = false;
  for (const auto& context : chosen(system, options)) {
    const Json answer = co_await system.operate(context, "dlq." + verb, Json(arguments));
    const std::int64_t here = answer.at("messages").as_integer();
    count += here;
    stopped = stopped || (here > 0 && !system.running(context));
  }
  if (options.format == Format::json) {
    JsonObject document;
    document.set("messages", count);
    document.set("dry_run", dlq.dry_run);
    document.set("takes_effect", stopped ? "at next start" : "now");
    print(to_pretty_text(Json(std::move(document))));
  } else {
    const std::string done = verb == "replay" ? "tried again" : "discarded";
    const std::string is = count == 1 ? "is" : "are";
    print(fmt::format("{} message{} {} {}{}\n", count, count == 1 ? "" : "s",
                      dlq.dry_run ? "would be" : is, done,
                      stopped ? "; takes effect at next start" : ""));
  }
  co_return count == 0 ? exit_nothing : exit_done;
}

void add_filter(CLI::App& command, DlqOptions& dlq) {
  command.add_option("--consumer", dlq.consumer, "Only messages of this consumer");
  command.add_option("--type", dlq.type, "Only messages of this type");
  command.add_option("--key", dlq.key, "Only messages of this ordering key");
  command.add_option("--reason", dlq.reason, "Only messages parked for this reason")
      ->check(
          CLI::IsMember({"poison", "unknown_type", "exhausted_retries", "crashed", "hop_limit"}));
  command.add_option("--limit", dlq.limit,
                     "At most so many a context (1 to 10000); list: 1000, else all");
}

}  // namespace

void add_dlq_commands(CLI::App& program, const Options& options, Action& action) {
  auto* group = program.add_subcommand("dlq", "Dead letters: messages set aside for an operator");
  group->require_subcommand(1);
  auto dlq = std::make_shared<DlqOptions>();

  auto* list_command = group->add_subcommand("list", "Parked messages in order of arrival");
  add_filter(*list_command, *dlq);
  list_command->add_flag("--all", dlq->all, "Also those that wait, and those behind them");
  list_command->callback([&action, &options, dlq] {
    action = [&options, dlq](System& system) { return list(system, options, *dlq); };
  });

  auto* show_command = group->add_subcommand("show", "One message with its data and errors");
  show_command->add_option("id", dlq->ids, "The ID that `dlq list` shows")->required()->expected(1);
  show_command->callback([&action, &options, dlq] {
    action = [&options, dlq](System& system) { return show(system, options, *dlq); };
  });

  const std::vector<std::pair<std::string, std::string>> verbs{
      {"replay", "Have parked messages tried again, each once, those behind them in order"},
      {"discard", "Remove messages for good; the next of their key are tried"}};
  for (const auto& [verb, text] : verbs) {
    auto* command = group->add_subcommand(verb, text);
    command->add_option("id", dlq->ids, "IDs that `dlq list` shows");
    add_filter(*command, *dlq);
    command->add_flag("--all", dlq->all, "Every parked message");
    command->add_flag("--dry-run", dlq->dry_run, "Only say how many");
    command->add_option("--why", dlq->why, "For the audit record");
    command->callback([&action, &options, dlq, chosen_verb = std::string(verb)] {
      action = [&options, dlq, chosen_verb](System& system) {
        return change(system, options, *dlq, chosen_verb);
      };
    });
  }
}

}  // namespace sinew::cli
