#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "cli/command.hpp"

namespace sinew::cli {
namespace {

struct QueueOptions {
  std::string queue;
  bool dry_run = false;
  std::string why;
};

Task<int> list(System& system, const Options& options) {
  const Json answer = co_await system.operate_queues("queue.list", Json(JsonObject()));
  const JsonArray& rows = answer.at("queues").as_array();
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
  } else {
    print(table(rows,
                {{"queue", "QUEUE"},
                 {"life", "LIFE"},
                 {"ready", "READY"},
                 {"in_work", "IN WORK"},
                 {"delayed", "DELAYED"},
                 {"oldest_seconds", "OLDEST"},
                 {"dead_letter", "DEAD LETTERS"},
                 {"dead_lettered", "DIED"},
                 {"dropped", "DROPPED"}},
                true));
  }
  co_return rows.empty() ? exit_nothing : exit_done;
}

Task<int> show(System& system, const Options& options, const QueueOptions& queue) {
  JsonObject arguments;
  arguments.set("queue", queue.queue);
  const Json answer = co_await system.operate_queues("queue.show", Json(std::move(arguments)));
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
    co_return exit_done;
  }
  print(sheet(answer.at("queue")));
  print(table(answer.at("messages").as_array(),
              {{"message_id", "MESSAGE"},
               {"type", "TYPE"},
               {"key", "KEY"},
               {"time", "TIME"},
               {"extensions", "EXTENSIONS"}},
              true));
  co_return exit_done;
}

Task<int> change(System& system, const Options& options, const QueueOptions& queue,
                 const std::string& verb) {
  JsonObject arguments;
  arguments.set("queue", queue.queue);
  arguments.set("dry_run", queue.dry_run);
  arguments.set("why", queue.why);
  const Json answer = co_await system.operate_queues("queue." + verb, Json(std::move(arguments)));
  const std::int64_t count = answer.at("messages").as_integer();
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
  } else {
    print(fmt::format("{} message{} {} {}\n", count, count == 1 ? "" : "s",
                      queue.dry_run ? "would be"
                      : count == 1  ? "is"
                                    : "are",
                      verb == "purge" ? "removed" : "moved back"));
  }
  co_return count == 0 ? exit_nothing : exit_done;
}

}  // namespace

void add_queue_commands(CLI::App& program, const Options& options, Action& action) {
  auto* group = program.add_subcommand("queue", "Queues of the broker");
  group->require_subcommand(1);
  auto queue = std::make_shared<QueueOptions>();

  group->add_subcommand("list", "Queues: how long, how old, what expired")
      ->callback([&action, &options] {
        action = [&options](System& system) { return list(system, options); };
      });
  auto* show_command = group->add_subcommand("show", "One queue and its first messages");
  show_command->add_option("queue", queue->queue, "Its name")->required();
  show_command->callback([&action, &options, queue] {
    action = [&options, queue](System& system) { return show(system, options, *queue); };
  });

  const std::vector<std::pair<std::string, std::string>> verbs{
      {"purge", "Remove for good what nobody has in work"},
      {"redrive", "Move dead letters back to the queues where they expired"}};
  for (const auto& [verb, text] : verbs) {
    auto* command = group->add_subcommand(verb, text);
    command->add_option("queue", queue->queue, "Its name")->required();
    command->add_flag("--dry-run", queue->dry_run, "Only say how many");
    command->add_option("--why", queue->why, "For the log");
    command->callback([&action, &options, queue, chosen_verb = std::string(verb)] {
      action = [&options, queue, chosen_verb](System& system) {
        return change(system, options, *queue, chosen_verb);
      };
    });
  }
}

}  // namespace sinew::cli
