#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/base/time.hpp"

// The tables of topics and their groups, apart from reading records.
namespace sinew::sqlite::broker {

Task<std::vector<TopicRow>> read_topics(store::Transaction& tx);

// What is known of a partition beside its records. They may all be gone: positions and times go on
// from here.
struct Mark {
  std::int64_t start = 0;      // up to here nothing is left
  std::int64_t head = 0;       // the last sequence ever removed
  Timestamp accepted_at{};     // no later record is older
  std::int64_t counted = 0;    // `bytes` holds the records up to here
  std::int64_t bytes = 0;      // of a topic whose retention has a size
  std::int64_t compacted = 0;  // up to here only the last record of each key is left

  friend bool operator==(const Mark&, const Mark&) = default;
};
Task<Mark> read_mark(store::Transaction& tx, std::int64_t partition);
Task<void> write_mark(store::Transaction& tx, std::int64_t partition, Mark mark);

// When the first record behind `after` was accepted; nothing: there is none. Zero: by a version
// that did not write it down.
Task<std::optional<Timestamp>> accepted_behind(store::Transaction& tx, std::int64_t partition,
                                               std::int64_t after);
// The last of the sequences from `low` to `high` all of whose records up to it were accepted before
// `time`; `low` when there is none.
Task<std::int64_t> last_before(store::Transaction& tx, std::int64_t partition, Timestamp time,
                               std::int64_t low, std::int64_t high);

// Positions of groups before `start` move there, and count what they missed.
Task<void> move_behind(store::Transaction& tx, std::int64_t topic, std::int32_t partition,
                       std::int64_t start);
// Has the group go on behind these, whether that is before or after where it is.
Task<void> move_group(store::Transaction& tx, std::int64_t topic, const std::string& group,
                      const std::vector<Position>& positions);
// How many records retention took from the group before it had accepted them, by partition.
Task<std::vector<std::int64_t>> read_skipped(store::Transaction& tx, std::int64_t topic,
                                             const std::string& group);

}  // namespace sinew::sqlite::broker
