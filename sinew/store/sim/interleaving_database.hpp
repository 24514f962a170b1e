#pragma once

#include <cstdint>

#include "sinew/async/sim/world.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/store/database_decorator.hpp"

namespace sinew::store::sim {

// Probabilities are asked of the world's fault sites: a seed enables some, heal() ends all.
struct InterleavingOptions {
  // Virtual time that each statement takes before the engine sees it.
  async::sim::Range pause{Duration::zero(), std::chrono::milliseconds(2)};
  double rerun = 0.3;                 // a commit refused, as by a serialisation failure
  double unknown_applied = 0.02;      // a commit done, but reported as unavailable, applied unknown
  double unknown_dropped = 0.02;      // the same report of a commit that was not done
  std::uint32_t optimistic_runs = 8;  // after so many runs a body runs while nobody else commits
};

// An embedded database that behaves as one across a network: bodies suspend at every statement, so
// those of several transactions interleave; one whose reads are overtaken runs again; commits fail
// or their answer is lost. What runs on it in simulation is ready for PostgreSQL.
//
// Isolation is serialisable, by optimistic replay: each statement is answered by running all the
// body's statements so far in one transaction of the engine, which is rolled back; an answer that
// differs from the one the body has seen ends that run. The commit replays them once more. So the
// engine needs nothing but its ordinary transactions, and a crash at any moment is one it may have.
class InterleavingDatabase final : public DatabaseDecorator {
 public:
  // Runs of one body at most; then Error conflict.
  static constexpr std::uint32_t most_runs = 64;

  // For a database on a node of `world`, on that node's thread; both outlive it.
  InterleavingDatabase(async::sim::World& world, Database& inner,
                       const InterleavingOptions& options = {})
      : DatabaseDecorator(inner), world_(world), options_(options) {}

  // Bodies begun, reruns included: a test that wants interleaving checks that there were some.
  std::uint64_t runs() const noexcept { return runs_; }
  std::uint64_t transactions() const noexcept { return transactions_; }

 private:
  class Attempt;
  class Replay;
  class Privilege;

  Task<void> run(Access access, Body& body) override;
  Task<void> run_shielded(Access access, Body& body);
  Task<void> run_once(Body& body, Attempt& attempt);
  Task<bool> finish(Access access, Attempt& attempt);
  Task<void> answer(Attempt& attempt, Execution& execution);
  Task<void> pause();

  async::sim::World& world_;
  InterleavingOptions options_;
  const Privilege* privileged_ = nullptr;  // the one that may commit; nullptr: everyone
  async::WaitQueue waiting_;               // for privileged_ to be free
  std::uint64_t runs_ = 0;
  std::uint64_t transactions_ = 0;
};

}  // namespace sinew::store::sim
