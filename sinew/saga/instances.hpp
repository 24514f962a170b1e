#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/saga/machine.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/transaction.hpp"

// The tables of sagas, in a common SQL subset: instances and their history here, operators' verbs
// in verb_requests.hpp, tombstones in tombstone.hpp. Every function is part of a transaction.
namespace sinew::saga {

store::MigrationSet saga_migrations();

// Inserts a new instance. False: the definition has an instance of that id already.
Task<bool> insert_instance(store::Transaction& transaction, Instance instance);
// Compare-and-set on the revision. Error conflict when another transition was faster.
Task<void> update_instance(store::Transaction& transaction, Instance instance);
Task<std::optional<Instance>> find_instance(store::Transaction& transaction, std::string definition,
                                            std::string id);

// The instances of that id in every definition, ten at most.
Task<std::vector<Instance>> find_by_id(store::Transaction& transaction, std::string id);

struct InstanceKey {
  std::string definition;
  std::string id;
};
// Live instances whose wake_at has come, earliest first; and the earliest of the others.
Task<std::vector<InstanceKey>> due_instances(store::Transaction& transaction, Timestamp now,
                                             std::size_t limit);
Task<std::optional<Timestamp>> next_wake(store::Transaction& transaction, Timestamp now);
// After the wall clock was set back to `now`: live instances that changed later than that begin
// their wait again, each as long as its own was. Gives how many; reads all that wait.
Task<std::int64_t> wait_anew(store::Transaction& transaction, Timestamp now);

struct LiveVersion {
  std::string definition;
  std::int32_t version = 1;
  std::int64_t instances = 0;
  std::string example;  // id of one of them
};
Task<std::vector<LiveVersion>> live_versions(store::Transaction& transaction);

// Live instances of the definition in other versions than that, with an id behind `after`, by id.
Task<std::vector<Instance>> instances_of_other_versions(store::Transaction& transaction,
                                                        std::string definition,
                                                        std::int32_t version, std::string after,
                                                        std::size_t limit);

struct InstanceCounts {
  std::int64_t running = 0;  // and compensating
  std::int64_t stuck = 0;
};
Task<InstanceCounts> count_instances(store::Transaction& transaction);

// What happened to an instance, for people: `saga show` prints it.
struct HistoryEntry {
  Timestamp at{};
  std::string step;
  std::string what;  // started, sent, accepted, rejected, timed_out, late_reply, verb, ...
  std::string detail;
};
Task<void> record(store::Transaction& transaction, Instance instance, Uuid entry_id,
                  std::string step, std::string what, std::string detail);
Task<std::vector<HistoryEntry>> history(store::Transaction& transaction, std::string definition,
                                        std::string id);

// A page of instances, newest first: those of `definition` where it is not empty, in `status`,
// started before `before`.
struct InstanceFilter {
  std::string definition;
  std::optional<Status> status;
  std::optional<Timestamp> before;
  std::size_t limit = 100;
};
Task<std::vector<Instance>> list_instances(store::Transaction& transaction, InstanceFilter filter);

}  // namespace sinew::saga
