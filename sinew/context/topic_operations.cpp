#include "sinew/context/topic_operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/time.hpp"

namespace sinew::context {
namespace {

using messaging::Broker;
using messaging::GroupStatus;
using messaging::Lag;
using messaging::TopicStatus;

struct PartitionPosition {
  std::int32_t partition = 0;
  std::int64_t position = 0;
};
BOOST_DESCRIBE_STRUCT(PartitionPosition, (), (partition, position))
constexpr auto constraints(const PartitionPosition*) {
  return sinew::constraints(field(&PartitionPosition::partition, between(0, 255)),
                            field(&PartitionPosition::position, at_least(0)));
}

struct TopicArguments {
  std::string topic;
  std::string group;
  std::string to = "beginning";
  std::vector<PartitionPosition> positions;
  bool dry_run = false;
  std::string why;
};
BOOST_DESCRIBE_STRUCT(TopicArguments, (), (topic, group, to, positions, dry_run, why))
constexpr auto constraints(const TopicArguments*) {
  return sinew::constraints(field(&TopicArguments::topic, length(0, 200), defaulted()),
                            field(&TopicArguments::group, length(0, 200), defaulted()),
                            field(&TopicArguments::to, length(1, 40), defaulted()),
                            field(&TopicArguments::positions, items(0, 256), defaulted()),
                            field(&TopicArguments::dry_run, defaulted()),
                            field(&TopicArguments::why, length(0, 500), defaulted()));
}

std::string text_of(const messaging::Retention& retention) {
  std::vector<std::string> parts;
  if (retention.age) parts.push_back(fmt::format("{} s", retention.age->count()));
  if (retention.bytes) parts.push_back(fmt::format("{} bytes", *retention.bytes));
  if (retention.compaction) {
    parts.push_back(
        fmt::format("last of a key, tombstones {} s", retention.compaction->tombstones.count()));
  }
  if (parts.empty()) return "all";
  return fmt::format("{}{}", fmt::join(parts, ", "), retention.drop_unread ? ", read or not" : "");
}

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Json number_of(const store::Checkpoint& position) {
  return Json(static_cast<std::int64_t>(position.position()));
}

Json topic_summary(const TopicStatus& status) {
  std::int64_t records = 0;
  for (const auto& range : status.partitions) {
    records += static_cast<std::int64_t>(range.last.position() - range.first.position());
  }
  JsonObject object;
  object.set("topic", status.spec.name);
  object.set("partitions", status.spec.partitions);
  object.set("retention", text_of(*status.spec.retention));
  object.set("records", records);
  return object;
}

Json group_summary(const GroupStatus& status) {
  Lag all;
  for (const Lag& lag : status.lag) {
    all.records += lag.records;
    all.time = std::max(all.time, lag.time);
    all.skipped += lag.skipped;
  }
  JsonObject object;
  object.set("group", status.group);
  object.set("members", status.members);
  object.set("behind", all.records);
  object.set("seconds", seconds_of(all.time));
  object.set("skipped", all.skipped);
  return object;
}

Json partition_row(const GroupStatus& status, const Lag& lag, const TopicStatus::Range& range) {
  JsonObject object;
  object.set("group", status.group);
  object.set("partition", lag.partition);
  object.set("first", number_of(range.first));
  object.set("position", number_of(lag.position));
  object.set("last", number_of(range.last));
  object.set("behind", lag.records);
  object.set("seconds", seconds_of(lag.time));
  object.set("skipped", lag.skipped);
  return object;
}

Task<Json> list_topics(Broker& broker) {
  JsonArray topics;
  for (const TopicStatus& status : co_await broker.topics()) {
    Json topic = topic_summary(status);
    JsonArray groups;
    for (const GroupStatus& group : status.groups)
      groups.push_back(group_summary(group));
    topic.as_object().set("groups", std::move(groups));
    topics.push_back(std::move(topic));
  }
  JsonObject answer;
  answer.set("topics", std::move(topics));
  co_return answer;
}

Task<TopicStatus> find_topic(Broker& broker, std::string name) {
  for (TopicStatus& status : co_await broker.topics()) {
    if (status.spec.name == name) co_return std::move(status);
  }
  throw Error(Condition::not_found,
              fmt::format("there is no topic {}; `sinew topic list` shows which there are", name));
}

Task<Json> show_topic(Broker& broker, TopicArguments arguments) {
  TopicStatus status = co_await find_topic(broker, arguments.topic);
  if (!arguments.group.empty()) {
    status.groups = {co_await broker.lag(arguments.topic, arguments.group)};
  }
  JsonArray rows;
  for (const GroupStatus& group : status.groups) {
    for (std::size_t i = 0; i < group.lag.size(); ++i)
      rows.push_back(partition_row(group, group.lag[i], status.partitions.at(i)));
  }
  JsonObject answer;
  answer.set("topic", topic_summary(status));
  answer.set("partitions", std::move(rows));
  co_return answer;
}

messaging::GroupReset reset_of(const TopicArguments& arguments) {
  messaging::GroupReset reset;
  reset.topic = arguments.topic;
  reset.group = arguments.group;
  reset.dry_run = arguments.dry_run;
  if (arguments.to == "end") {
    reset.start = messaging::StartFrom::end;
  } else if (arguments.to != "beginning") {
    const auto time = try_parse_rfc3339(arguments.to);
    if (!time) {
      throw Error(Condition::invalid_input,
                  fmt::format("to: {} is neither beginning nor end nor a time such as "
                              "2026-05-04T10:30:00Z",
                              arguments.to));
    }
    reset.start = messaging::StartFrom::time;
    reset.start_time = *time;
  }
  for (const auto& [partition, position] : arguments.positions) {
    reset.start_after[partition] =
        store::Checkpoint::from_position(static_cast<std::uint64_t>(position));
  }
  return reset;
}

Task<Json> reset_group(Broker& broker, std::string actor, TopicArguments arguments) {
  const auto moved = co_await broker.reset(reset_of(arguments));
  if (!arguments.dry_run) {
    log::root().info("a group was moved", {{"topic", arguments.topic},
                                           {"group", arguments.group},
                                           {"to", arguments.to},
                                           {"actor", actor},
                                           {"why", arguments.why}});
  }
  JsonArray rows;
  for (const auto& each : moved) {
    JsonObject row;
    row.set("partition", each.partition);
    row.set("from", number_of(each.from));
    row.set("to", number_of(each.to));
    rows.push_back(std::move(row));
  }
  JsonObject answer;
  answer.set("moved", std::move(rows));
  answer.set("dry_run", arguments.dry_run);
  co_return answer;
}

}  // namespace

Task<Json> operate_topics(Broker& broker, std::string operation, std::string actor,
                          Json arguments) {
  auto read = from_json<TopicArguments>(arguments, ReadMode::strict);
  if (operation == "topic.list") co_return co_await list_topics(broker);
  if (operation == "topic.show") co_return co_await show_topic(broker, std::move(read));
  if (operation == "topic.reset") {
    co_return co_await reset_group(broker, std::move(actor), std::move(read));
  }
  throw Error(Condition::not_found, fmt::format("there is no operation {}", operation));
}

}  // namespace sinew::context
