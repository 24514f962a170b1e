#include <optional>
#include <string>

#include "sinew/store/sim/interleaving_database.hpp"
#include "tests/conformance/database_suite.hpp"
#include "tests/conformance/event_log_snapshot_suite.hpp"
#include "tests/conformance/event_log_suite.hpp"
#include "tests/conformance/inbox_suite.hpp"
#include "tests/conformance/outbox_suite.hpp"
#include "tests/conformance/projection_suite.hpp"
#include "tests/conformance/projection_wait_suite.hpp"
#include "tests/conformance/saga_lock_suite.hpp"
#include "tests/conformance/saga_suite.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::conformance {
namespace {

using store::sim::InterleavingDatabase;
using store::sim::InterleavingOptions;

enum class Wrapping : bool { none, interleaving };

// SQLite in a simulated world, as it is or behind the interleaving decorator.
class SqliteBench final : public Bench {
 public:
  SqliteBench(std::uint64_t seed, Wrapping wrapping)
      : sqlite_(seed), wrapping_(wrapping), faulty_(seed != 0) {
    wrap();
  }

  async::Runtime& runtime() override { return sqlite_.node(); }
  void run(Task<void> task) override { sqlite_.run(std::move(task)); }
  store::Database& database() override {
    if (interleaving_) return *interleaving_;
    return sqlite_.database();
  }
  void reopen() override {
    interleaving_.reset();
    sqlite_.reopen();
    wrap();
  }

  void shift_wall(Timestamp::duration by) override { sqlite_.node().shift_wall(by); }

 private:
  void wrap() {
    if (wrapping_ == Wrapping::none) return;
    InterleavingOptions options;
    if (!faulty_) options.unknown_applied = options.unknown_dropped = 0;
    interleaving_.emplace(sqlite_.world(), sqlite_.database(), options);
  }

  tests::SimulatedSqlite sqlite_;
  Wrapping wrapping_;
  bool faulty_;
  std::optional<InterleavingDatabase> interleaving_;
};

Engine engine(std::string name, Wrapping wrapping) {
  return {std::move(name), [wrapping](std::uint64_t seed) -> std::unique_ptr<Bench> {
            return std::make_unique<SqliteBench>(seed, wrapping);
          }};
}

const auto engines = testing::Values(engine("Sqlite", Wrapping::none),
                                     engine("SqliteInterleaved", Wrapping::interleaving));

INSTANTIATE_TEST_SUITE_P(Conformance, DatabaseConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, EventLogConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, SnapshotConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, OutboxConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, InboxConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, ProjectionConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, ProjectionWaitConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, SagaConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, SagaLockConformance, engines, engine_name);

}  // namespace
}  // namespace sinew::conformance
