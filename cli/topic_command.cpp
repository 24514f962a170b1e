#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <memory>

#include "cli/command.hpp"
#include "sinew/base/error.hpp"

namespace sinew::cli {
namespace {

struct TopicOptions {
  std::string topic;
  std::string group;
  std::string to = "beginning";
  std::vector<std::string> positions;
  bool dry_run = false;
  std::string why;
};

// One row a group, and one for a topic without any.
JsonArray rows_of(const Json& answer) {
  JsonArray rows;
  for (const Json& topic : answer.at("topics").as_array()) {
    const JsonArray& groups = topic.at("groups").as_array();
    if (groups.empty()) rows.push_back(topic);
    for (const Json& group : groups) {
      JsonObject row = topic.as_object();
      for (const auto& [name, value] : group.as_object().members())
        row.set(name, value);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Task<int> list(System& system, const Options& options) {
  const Json answer = co_await system.operate_topics("topic.list", Json(JsonObject()));
  const JsonArray rows = rows_of(answer);
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
  } else {
    print(table(rows,
                {{"topic", "TOPIC"},
                 {"partitions", "PARTITIONS"},
                 {"records", "RECORDS"},
                 {"retention", "RETENTION"},
                 {"group", "GROUP"},
                 {"members", "MEMBERS"},
                 {"behind", "BEHIND"},
                 {"seconds", "SECONDS"},
                 {"skipped", "SKIPPED"}},
                true));
  }
  co_return rows.empty() ? exit_nothing : exit_done;
}

Task<int> show(System& system, const Options& options, const TopicOptions& topic) {
  JsonObject arguments;
  arguments.set("topic", topic.topic);
  arguments.set("group", topic.group);
  const Json answer = co_await system.operate_topics("topic.show", Json(std::move(arguments)));
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
    co_return exit_done;
  }
  print(sheet(answer.at("topic")));
  print(table(answer.at("partitions").as_array(),
              {{"group", "GROUP"},
               {"partition", "PARTITION"},
               {"first", "FIRST"},
               {"position", "POSITION"},
               {"last", "LAST"},
               {"behind", "BEHIND"},
               {"seconds", "SECONDS"},
               {"skipped", "SKIPPED"}},
              true));
  co_return exit_done;
}

// Reads PARTITION=POSITION.
Json position_of(const std::string& text) {
  std::int64_t partition = 0;
  std::int64_t position = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, partition);
  const bool separated = first.ec == std::errc() && first.ptr != end && *first.ptr == '=';
  const auto second = separated ? std::from_chars(first.ptr + 1, end, position) : first;
  if (!separated || second.ec != std::errc() || second.ptr != end) {
    throw Error(Condition::invalid_input,
                fmt::format("--position {}: expected PARTITION=POSITION, such as 3=1700", text));
  }
  JsonObject object;
  object.set("partition", partition);
  object.set("position", position);
  return object;
}

Task<int> reset(System& system, const Options& options, const TopicOptions& topic) {
  JsonArray positions;
  for (const std::string& text : topic.positions)
    positions.push_back(position_of(text));
  JsonObject arguments;
  arguments.set("topic", topic.topic);
  arguments.set("group", topic.group);
  arguments.set("to", topic.to);
  arguments.set("positions", std::move(positions));
  arguments.set("dry_run", topic.dry_run);
  arguments.set("why", topic.why);
  const Json answer = co_await system.operate_topics("topic.reset", Json(std::move(arguments)));
  if (options.format == Format::json) {
    print(to_pretty_text(answer));
  } else {
    print(table(answer.at("moved").as_array(),
                {{"partition", "PARTITION"}, {"from", "FROM"}, {"to", "TO"}}, true));
    print(topic.dry_run ? "nothing was moved\n" : "moved\n");
  }
  co_return exit_done;
}

}  // namespace

void add_topic_commands(CLI::App& program, const Options& options, Action& action) {
  auto* group = program.add_subcommand("topic", "Topics, and how far their groups are behind");
  group->require_subcommand(1);
  auto topic = std::make_shared<TopicOptions>();

  group->add_subcommand("list", "Topics with their groups")->callback([&action, &options] {
    action = [&options](System& system) { return list(system, options); };
  });

  auto* show_command = group->add_subcommand("show", "One topic, partition by partition");
  show_command->add_option("topic", topic->topic, "The topic that `topic list` shows")->required();
  show_command->add_option("--group", topic->group, "Only this group");
  show_command->callback([&action, &options, topic] {
    action = [&options, topic](System& system) { return show(system, options, *topic); };
  });

  auto* reset_command =
      group->add_subcommand("reset", "Have a group without members go on elsewhere");
  reset_command->add_option("topic", topic->topic, "The topic")->required();
  reset_command->add_option("--group", topic->group, "The group")->required();
  reset_command
      ->add_option("--to", topic->to, "beginning, end, or a time such as 2026-05-04T10:30:00Z")
      ->capture_default_str();
  reset_command->add_option("--position", topic->positions,
                            "PARTITION=POSITION: this partition goes on behind the position");
  reset_command->add_flag("--dry-run", topic->dry_run, "Only say where it would go");
  reset_command->add_option("--why", topic->why, "For the log");
  reset_command->callback([&action, &options, topic] {
    action = [&options, topic](System& system) { return reset(system, options, *topic); };
  });
}

}  // namespace sinew::cli
