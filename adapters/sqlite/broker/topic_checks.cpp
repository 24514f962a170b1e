#include "adapters/sqlite/broker/topic_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::Retention;
using std::chrono::seconds;

constexpr seconds longest = std::chrono::hours(24 * 36'525);  // a hundred years

void check(const Retention& retention, std::vector<std::string>& wrong) {
  if (retention.age && (*retention.age < seconds(1) || *retention.age > longest)) {
    wrong.push_back(fmt::format("an age of {} s is not 1 s to 100 years", retention.age->count()));
  }
  if (retention.bytes && *retention.bytes < 1) {
    wrong.push_back(fmt::format("bytes={} is not from 1", *retention.bytes));
  }
  if (!retention.compaction) return;
  const seconds tombstones = retention.compaction->tombstones;
  if (tombstones < seconds(0) || tombstones > longest) {
    wrong.push_back(
        fmt::format("tombstones that stay for {} s: 0 s to 100 years", tombstones.count()));
  }
  if (retention.age || retention.bytes) {
    wrong.emplace_back(
        "compaction keeps the last record of each key, an age or a size would remove it: declare "
        "one of them");
  }
}

}  // namespace

void check(const messaging::TopicSpec& spec) {
  store::validate({messaging::DestinationKind::topic, spec.name});
  std::vector<std::string> wrong;
  if (spec.partitions < 1 || spec.partitions > 256) {
    wrong.push_back(fmt::format("{} partitions are not 1 to 256", spec.partitions));
  }
  if (spec.retention) check(*spec.retention, wrong);
  if (wrong.empty()) return;
  throw Error(Condition::invalid_input,
              fmt::format("the topic {}: {}", spec.name, fmt::join(wrong, "; ")));
}

void check(const Start& start, const Topic& topic, Timestamp now) {
  const std::string& name = topic.row.spec.name;
  if (start.from == messaging::StartFrom::time &&
      start.time > std::max(now, *std::ranges::max_element(topic.times))) {
    throw Error(Condition::invalid_input,
                fmt::format("the time to start at in the topic {} lies in the future: start from "
                            "the end, or name an earlier one",
                            name));
  }
  for (const auto& [partition, position] : start.after) {
    if (partition < 0 || partition >= std::ssize(topic.heads)) {
      throw Error(Condition::invalid_input,
                  fmt::format("the topic {} has no partition {} to start in: 0 to {}", name,
                              partition, topic.heads.size() - 1));
    }
    const auto head = static_cast<std::uint64_t>(topic.heads[static_cast<std::size_t>(partition)]);
    if (position.position() <= head) continue;
    throw Error(Condition::invalid_input,
                fmt::format("partition {} of the topic {} ends at {}, before the position {} to "
                            "start behind: is it another topic's?",
                            partition, name, head, position.position()));
  }
}

}  // namespace sinew::sqlite::broker
