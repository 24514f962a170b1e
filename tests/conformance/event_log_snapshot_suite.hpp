#pragma once

#include "sinew/store/aggregate.hpp"
#include "tests/conformance/event_log_suite.hpp"

namespace sinew::conformance {

struct Counted {
  static constexpr event::EventType type{"counted", 1};
  std::int64_t by = 0;
};
BOOST_DESCRIBE_STRUCT(Counted, (), (by))

struct Counter {
  static constexpr std::string_view category = "counter";
  static constexpr std::int32_t state_version = 2;
  using Events = store::EventTypes<Counted>;
  void apply(const Counted& event) { sum += event.by; }
  std::int64_t sum = 0;
};
BOOST_DESCRIBE_STRUCT(Counter, (), (sum))

// Snapshots of the EventLog port: kept in the transaction of their events, never the truth.
class SnapshotConformance : public EventLogConformance {
 protected:
  store::Repository<Counter> counters(std::int64_t every) {
    return store::Repository<Counter>(db().event_log(), {}, store::SnapshotPolicy{every});
  }
  // Counts `times` times by one, each an append of its own.
  Task<void> count(const store::Repository<Counter>& counters, std::string id, int times = 1) {
    for (int i = 0; i < times; ++i) {
      const event::Lineage lineage{.causation_id = new_id()};
      co_await insist([&](store::Transaction& tx) -> Task<void> {
        store::Aggregate<Counter> counter = co_await counters.load(tx, id);
        counter.raise(Counted{1});
        co_await counters.append(tx, counter, lineage);
      });
    }
  }
  Task<store::Aggregate<Counter>> load(const store::Repository<Counter>& counters, std::string id) {
    co_return co_await db().read([&](store::Transaction& tx) { return counters.load(tx, id); });
  }
  Task<std::optional<store::Snapshot>> kept(std::string stream) {
    co_return co_await db().read(
        [&](store::Transaction& tx) { return db().event_log().find_snapshot(tx, stream); });
  }
  Task<void> save(std::string stream, store::Snapshot snapshot) {
    co_await insist([&](store::Transaction& tx) -> Task<void> {
      co_await db().event_log().save_snapshot(tx, stream, snapshot);
    });
  }
};

}  // namespace sinew::conformance
