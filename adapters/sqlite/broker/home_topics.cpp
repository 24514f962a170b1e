#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/sqlite/broker/home.hpp"
#include "adapters/sqlite/broker/retention.hpp"
#include "adapters/sqlite/broker/topic_checks.hpp"
#include "adapters/sqlite/broker/topic_tables.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

// What the broker does for topics as a whole: groups are opened, moved and looked at, and records
// removed that nobody is to have any more.
namespace sinew::sqlite::broker {
namespace {

using messaging::GroupStatus;
using messaging::Moved;
using messaging::TopicStatus;
using store::Checkpoint;
using store::Transaction;

constexpr Duration longest_look = std::chrono::hours(1);
constexpr Duration between_steps = std::chrono::milliseconds(5);

Checkpoint checkpoint(std::int64_t sequence) {
  return Checkpoint::from_position(static_cast<std::uint64_t>(sequence));
}

// Behind which positions the partitions are read.
Task<std::vector<std::int64_t>> find_start(Transaction& tx, const Topic& topic, Start start) {
  std::vector<std::int64_t> positions;
  for (std::size_t i = 0; i < topic.heads.size(); ++i) {
    const std::int64_t partition = topic.row.number + static_cast<std::int64_t>(i);
    const Mark mark = co_await read_mark(tx, partition);
    std::int64_t position = mark.start;
    if (start.from == messaging::StartFrom::end) {
      position = topic.heads[i];
    } else if (start.from == messaging::StartFrom::time) {
      position = co_await last_before(tx, partition, start.time, mark.start, topic.heads[i]);
    }
    const auto given = start.after.find(static_cast<std::int32_t>(i));
    if (given != start.after.end()) {
      position = static_cast<std::int64_t>(given->second.position());
    }
    positions.push_back(position);
  }
  co_return positions;
}

Task<GroupStatus> status_of(Transaction& tx, const Topic& topic, std::string name,
                            const Group& group, Timestamp now) {
  GroupStatus status;
  status.group = std::move(name);
  status.members = static_cast<std::int32_t>(group.members());
  const auto skipped = co_await read_skipped(tx, topic.row.number, status.group);
  for (std::size_t i = 0; i < topic.heads.size(); ++i) {
    const Group::Progress progress = group.progress(i);
    messaging::Lag lag;
    lag.partition = static_cast<std::int32_t>(i);
    lag.position = checkpoint(progress.committed);
    lag.records = progress.head - progress.committed;
    lag.skipped = i < skipped.size() ? skipped[i] : 0;
    if (lag.records > 0) {
      const auto accepted =
          co_await accepted_behind(tx, topic.row.number + lag.partition, progress.committed);
      if (accepted.value_or(Timestamp()) > Timestamp()) {
        lag.time = std::max<Duration>(now - *accepted, Duration::zero());
      }
    }
    status.lag.push_back(lag);
  }
  co_return status;
}

Task<TopicStatus> status_of(Transaction& tx, const Topic& topic, Timestamp now) {
  TopicStatus status;
  status.spec = topic.row.spec;
  for (std::size_t i = 0; i < topic.heads.size(); ++i)
    status.partitions.push_back({checkpoint(topic.starts[i]), checkpoint(topic.heads[i])});
  for (const auto& [name, source] : topic.groups)
    status.groups.push_back(co_await status_of(tx, topic, name, source->group(), now));
  co_return status;
}

GroupSource& group_called(Topic& topic, const std::string& name) {
  const auto found = topic.groups.find(name);
  if (found != topic.groups.end()) return *found->second;
  throw Error(Condition::not_found,
              fmt::format("the topic {} has no group {}: none of that name ever subscribed",
                          topic.row.spec.name, name));
}

// Nobody joins while it lives.
class Moving {
 public:
  explicit Moving(GroupSource& group) : group_(group) { group_.being_moved = true; }
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;
  ~Moving() { group_.being_moved = false; }

 private:
  GroupSource& group_;
};

// Until it is looked again what is to be removed; nothing: never. With an age alone there is no
// hurry.
std::optional<Duration> next_look(const messaging::Retention& retention, Duration interval) {
  if (retention.bytes || retention.compaction) return interval;
  if (!retention.age) return std::nullopt;
  return std::clamp<Duration>(*retention.age / 60, interval, longest_look);
}

}  // namespace

Topic& Home::topic_called(const std::string& name) {
  const auto found = directory_.topics.find(name);
  if (found != directory_.topics.end()) return *found->second;
  throw Error(Condition::not_found, fmt::format("no topic {}: declare it first", name));
}

Task<Source*> Home::find_group(const messaging::SubscribeOptions& options) {
  Topic& topic = topic_called(options.source.name);
  check(Start(options), topic, runtime_.wall_now());
  if (const auto known = topic.groups.find(options.group); known != topic.groups.end()) {
    if (!known->second->being_moved) co_return known->second.get();
    throw Error(Condition::conflict, fmt::format("the group {} is being moved by an operator: "
                                                 "subscribe again",
                                                 options.group));
  }
  GroupRow row = co_await database_->transaction([&](Transaction& tx) -> Task<GroupRow> {
    auto start = co_await find_start(tx, topic, Start(options));
    co_return co_await open_group(tx, topic.row, options.group, std::move(start));
  });
  auto& group = topic.groups[options.group];
  if (!group) {
    group = std::make_unique<GroupSource>(*database_, topic.row, std::move(row), topic.heads,
                                          GroupLimits{.open = limits_.topic_open});
    for (std::size_t i = 0; i < topic.starts.size(); ++i)
      group->group().trimmed(static_cast<std::int32_t>(i), topic.starts[i]);
  }
  co_return group.get();
}

Task<std::vector<TopicStatus>> Home::topics() {
  check_open();
  const Timestamp now = runtime_.wall_now();
  co_return co_await database_->read(
      [this, now](Transaction& tx) -> Task<std::vector<TopicStatus>> {
        std::vector<TopicStatus> all;
        for (const auto& [name, topic] : directory_.topics)
          all.push_back(co_await status_of(tx, *topic, now));
        co_return all;
      });
}

Task<GroupStatus> Home::lag(std::string topic_name, std::string group_name) {
  check_open();
  Topic& topic = topic_called(topic_name);
  const Group& group = group_called(topic, group_name).group();
  const Timestamp now = runtime_.wall_now();
  co_return co_await database_->read([&](Transaction& tx) -> Task<GroupStatus> {
    co_return co_await status_of(tx, topic, group_name, group, now);
  });
}

Task<std::vector<Moved>> Home::reset(messaging::GroupReset reset) {
  check_open();
  Topic& topic = topic_called(reset.topic);
  GroupSource& source = group_called(topic, reset.group);
  check(Start(reset), topic, runtime_.wall_now());
  Group& group = source.group();
  if (group.members() > 0 || source.being_moved) {
    throw Error(Condition::conflict,
                fmt::format("the group {} has {} members: stop them before it is moved",
                            reset.group, group.members()));
  }
  const Moving moving(source);
  const auto moved =
      co_await database_->transaction([&](Transaction& tx) -> Task<std::vector<Position>> {
        const auto start = co_await find_start(tx, topic, Start(reset));
        std::vector<Position> positions;
        for (std::int32_t i = 0; i < std::ssize(start); ++i) {
          const auto index = static_cast<std::size_t>(i);
          positions.push_back({i, std::max(start[index], topic.starts[index])});
        }
        if (!reset.dry_run) co_await move_group(tx, topic.row.number, reset.group, positions);
        co_return positions;
      });
  std::vector<Moved> answer;
  std::vector<std::int64_t> positions;
  for (const Position& to : moved) {
    const auto from = group.progress(static_cast<std::size_t>(to.partition)).committed;
    answer.push_back({to.partition, checkpoint(from), checkpoint(to.sequence)});
    positions.push_back(to.sequence);
  }
  if (!reset.dry_run) group.reset(positions);
  co_return answer;
}

Task<void> Home::clean_topics() {
  for (;;) {
    Instant next = Instant::max();
    // None is ever taken out, so whoever comes meanwhile does no harm.
    for (const auto& [name, topic] : directory_.topics) {
      const auto pause = next_look(topic->retention(), retention_interval_);
      if (!pause) continue;
      next = std::min(next, runtime_.now() + *pause);
      co_await clean(*topic);
    }
    try {
      co_await async::with_deadline(next, clean_wanted_.wait());
    } catch (const Error& error) {
      if (error.condition() != Condition::timeout) throw;
    }
    clean_wanted_.reset();
  }
}

Task<void> Home::clean(Topic& topic) {
  for (std::size_t partition = 0; partition < topic.heads.size(); ++partition) {
    try {
      while (co_await clean_step(topic, partition))
        co_await async::sleep_for(between_steps);
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      log_.warn("old records cannot be removed",
                {{"topic", topic.row.spec.name}, {"error", error.detail()}});
    }
  }
}

// Gives whether there is more to do.
Task<bool> Home::clean_step(Topic& topic, std::size_t index) {
  const Timestamp now = runtime_.wall_now();
  const Step step = co_await database_->transaction([&](Transaction& tx) -> Task<Step> {
    const Partition partition = partition_of(topic, index);
    co_return partition.retention.compaction ? co_await compact(tx, partition, now)
                                             : co_await remove_old(tx, partition, now);
  });
  topic.starts[index] = std::max(topic.starts[index], step.start);
  for (const auto& [name, source] : topic.groups) {
    source->group().trimmed(static_cast<std::int32_t>(index), step.start);
    serve(*source);
  }
  co_return step.progress == Progress::more;
}

}  // namespace sinew::sqlite::broker
