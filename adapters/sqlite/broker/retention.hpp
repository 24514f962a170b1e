#pragma once

#include <cstdint>

#include "adapters/sqlite/broker/directory.hpp"
#include "adapters/sqlite/broker/topic_tables.hpp"
#include "sinew/store/transaction.hpp"

// What a topic's retention removes of one partition, in small steps. A step is a transaction: the
// records go together with the mark that says so, whatever happens meanwhile.
namespace sinew::sqlite::broker {

struct Partition {
  std::int64_t topic = 0;
  std::int32_t index = 0;
  std::int64_t head = 0;    // the last committed sequence
  Timestamp accepted_at{};  // no record that is committed is younger
  messaging::Retention retention;

  std::int64_t number() const { return topic + index; }
};
Partition partition_of(const Topic& topic, std::size_t index);

enum class Progress : std::uint8_t {
  nothing,  // there was nothing to do: nothing was written
  done,     // a step, the last for now
  more,     // a step; there is more to do
};

struct Step {
  Progress progress = Progress::nothing;
  std::int64_t start = 0;  // of the partition, behind the step
};
// Records that are too old, and those beyond the size; the group's positions behind them go along.
Task<Step> remove_old(store::Transaction& tx, Partition partition, Timestamp now);
// Records before the last one of their key, and tombstones that were there long enough.
Task<Step> compact(store::Transaction& tx, Partition partition, Timestamp now);

}  // namespace sinew::sqlite::broker
