#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/machine.hpp"
#include "sinew/store/transaction.hpp"

// What operators asked of sagas: rows that the host which runs the saga executes, in order, and
// what became of each. Every function is part of a transaction.
namespace sinew::saga {

struct VerbRequest {
  Uuid id;
  InstanceKey target;
  Verb verb = Verb::retry;
  Json argument;  // resolve: the reply; edit: the members; migrate: the version, a number
  std::string actor;
  std::string reason;
  Timestamp requested_at{};
};

// Records the verb and its audit entry. Errors: not_found; conflict for a verb that the instance's
// row refuses already (see refusal() of verbs.hpp).
Task<void> request_verb(store::Transaction& transaction, VerbRequest request);
Task<std::vector<VerbRequest>> pending_verbs(store::Transaction& transaction, std::size_t limit);
// Only those that migrate.
Task<std::vector<VerbRequest>> pending_migrations(store::Transaction& transaction,
                                                  std::size_t limit);

// The verb was executed, or refused with a reason: its request goes, the outcome is kept for
// outcomes_kept. False: another host settled it before.
Task<bool> settle_verb(store::Transaction& transaction, Uuid id, std::string refusal,
                       Timestamp now);
constexpr auto outcomes_kept = std::chrono::hours(24 * 7);

struct VerbOutcome {
  std::string refusal;  // empty: done
};
// None: the verb is pending, or was never asked for, or that is longer ago than outcomes_kept.
Task<std::optional<VerbOutcome>> verb_outcome(store::Transaction& transaction, Uuid id);

}  // namespace sinew::saga
