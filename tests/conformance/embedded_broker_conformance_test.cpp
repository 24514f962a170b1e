#include <optional>
#include <string>

#include "adapters/sqlite/embedded_broker.hpp"
#include "adapters/sqlite/sim/vfs.hpp"
#include "sinew/async/sim/node.hpp"
#include "tests/conformance/broker_queue_suite.hpp"
#include "tests/conformance/broker_queue_time_suite.hpp"
#include "tests/conformance/broker_retention_suite.hpp"
#include "tests/conformance/broker_topic_suite.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::conformance {
namespace {

enum class Place : bool { same_worker, other_worker };
// What a crash ends: the process, or the machine, and then what was not synced is lost.
enum class Crash : bool { process, machine };

// The embedded broker in a simulated world: on the worker of the context that uses it, or on
// another one of the same process; its file on the system's disk or a simulated one.
class EmbeddedBench final : public BrokerBench {
 public:
  EmbeddedBench(std::uint64_t seed, Place place, Crash crash, sqlite::BrokerLimits limits)
      : world_(seed), place_(place), crash_(crash), limits_(limits) {
    start();
  }
  ~EmbeddedBench() override {
    scope_->cancel();
    away_->run(scope_->join());
    scope_.reset();
    port_.reset();
    home_->run(broker_->close());
  }

  async::Runtime& runtime() override { return *away_; }
  messaging::Broker& broker() override { return *port_; }
  void run(Task<void> task) override {
    away_->run(async::with_deadline(away_->now() + std::chrono::hours(10), std::move(task)));
  }
  void spawn(Task<void> task) override { scope_->spawn(std::move(task)); }
  void run_for(Duration duration) override { world_.run_for(duration); }
  void shift_wall(Timestamp::duration by) override {
    wall_shift_ += by;
    home_->shift_wall(by);
    if (away_ != home_) away_->shift_wall(by);
  }
  void crash() override {
    if (crash_ == Crash::machine) disk_.cut_power();
    away_->crash();
    home_->crash();
    scope_.reset();
    port_.reset();
    broker_.reset();
    start();
  }

 private:
  void start() {
    home_ = &world_.add_node("broker");
    away_ = place_ == Place::same_worker ? home_ : &world_.add_node("context");
    home_->shift_wall(wall_shift_);
    if (away_ != home_) away_->shift_wall(wall_shift_);
    sqlite::BrokerSettings settings;
    settings.database.path = folder_.file("broker.db");
    if (crash_ == Crash::machine) {
      settings.database.path = "d/broker.db";
      settings.database.vfs = vfs_.name();
      settings.database.files = sqlite::sim::files_on(disk_);
    }
    settings.database.simulate(world_.seed());
    settings.limits = limits_;
    broker_ = home_->run(sqlite::EmbeddedBroker::open(*home_, std::move(settings)));
    port_ = broker_->connect(*away_);
    scope_.emplace(*away_, "process");
  }

  tests::TemporaryFolder folder_;
  async::sim::World world_;
  async::sim::Disk disk_{world_};
  sqlite::sim::Vfs vfs_{world_, disk_};
  Place place_;
  Crash crash_;
  sqlite::BrokerLimits limits_;
  Timestamp::duration wall_shift_{};
  async::sim::Node* home_ = nullptr;
  async::sim::Node* away_ = nullptr;
  std::unique_ptr<sqlite::EmbeddedBroker> broker_;
  std::unique_ptr<messaging::Broker> port_;
  std::optional<async::Scope> scope_;
};

BrokerEngine engine(std::string name, Place place, Crash crash, sqlite::BrokerLimits limits = {}) {
  return {std::move(name), {}, [=](std::uint64_t seed) -> std::unique_ptr<BrokerBench> {
            return std::make_unique<EmbeddedBench>(seed, place, crash, limits);
          }};
}

// So little memory that nearly everything is read from the tables.
constexpr sqlite::BrokerLimits tiny{
    .queue_messages = 4, .queue_bytes = 4096, .key_messages = 1, .topic_open = 64};

const auto engines =
    testing::Values(engine("Embedded", Place::same_worker, Crash::process),
                    engine("EmbeddedAway", Place::other_worker, Crash::process),
                    engine("EmbeddedTiny", Place::same_worker, Crash::process, tiny),
                    engine("EmbeddedPowerCut", Place::other_worker, Crash::machine));

INSTANTIATE_TEST_SUITE_P(Conformance, BrokerQueueConformance, engines, broker_engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, BrokerQueueTimeConformance, engines, broker_engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, BrokerTopicConformance, engines, broker_engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, BrokerRetentionConformance, engines, broker_engine_name);

}  // namespace
}  // namespace sinew::conformance
