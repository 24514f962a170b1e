#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sinew/base/base64.hpp"
#include "sinew/store/personal_database.hpp"
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

// What stands before the engine. The suites write nothing personal: that decorator must leave all
// as it is.
struct Wrapping {
  bool interleaving = false;
  bool personal = false;
};

struct Visited {
  static constexpr event::EventType type{"somebody.visited", 1};
  static constexpr auto personal = event::personal("who", "name");
  std::string who;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Visited, (), (who, name))

// SQLite in a simulated world, as it is or behind decorators.
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
    if (personal_) return *personal_;
    return sqlite_.database();
  }
  void reopen() override {
    unwrap();
    sqlite_.reopen();
    wrap();
  }

  void shift_wall(Timestamp::duration by) override { sqlite_.node().shift_wall(by); }

 private:
  void wrap() {
    store::Database* top = &sqlite_.database();
    if (wrapping_.personal) {
      store::PersonalEvents events;
      events.add<Visited>();
      auto keys = store::MasterKeys::parse(Secret(to_base64(std::string(32, 'k'))), {});
      personal_ = sqlite_.node().run(
          store::PersonalDatabase::open(std::make_unique<store::DatabaseDecorator>(*top), runtime(),
                                        std::move(events), std::move(keys)));
      top = personal_.get();
    }
    if (!wrapping_.interleaving) return;
    InterleavingOptions options;
    if (!faulty_) options.unknown_applied = options.unknown_dropped = 0;
    interleaving_.emplace(sqlite_.world(), *top, options);
  }
  void unwrap() {
    interleaving_.reset();
    personal_.reset();
  }

  tests::SimulatedSqlite sqlite_;
  Wrapping wrapping_;
  bool faulty_;
  std::unique_ptr<store::PersonalDatabase> personal_;
  std::optional<InterleavingDatabase> interleaving_;
};

Engine engine(std::string name, Wrapping wrapping) {
  return {std::move(name), [wrapping](std::uint64_t seed) -> std::unique_ptr<Bench> {
            return std::make_unique<SqliteBench>(seed, wrapping);
          }};
}

const auto engines =
    testing::Values(engine("Sqlite", {}), engine("SqliteInterleaved", {.interleaving = true}),
                    engine("SqlitePersonal", {.personal = true}),
                    engine("SqlitePersonalInterleaved", {.interleaving = true, .personal = true}));

INSTANTIATE_TEST_SUITE_P(Conformance, DatabaseConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, EventLogConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, SnapshotConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, OutboxConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, InboxConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, ProjectionConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, ProjectionRebuildConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, ProjectionHeldConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, ProjectionWaitConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, SagaConformance, engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, SagaLockConformance, engines, engine_name);

}  // namespace
}  // namespace sinew::conformance
