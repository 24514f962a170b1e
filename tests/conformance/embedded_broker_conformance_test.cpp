#include <optional>
#include <string>

#include "adapters/sqlite/embedded_broker.hpp"
#include "sinew/async/sim/node.hpp"
#include "tests/conformance/broker_queue_suite.hpp"
#include "tests/conformance/broker_topic_suite.hpp"
#include "tests/support/simulated_sqlite.hpp"

namespace sinew::conformance {
namespace {

enum class Place : bool { same_worker, other_worker };

// The embedded broker in a simulated world: on the worker of the context that uses it, or on
// another one of the same process.
class EmbeddedBench final : public BrokerBench {
 public:
  EmbeddedBench(std::uint64_t seed, Place place, sqlite::BrokerLimits limits)
      : world_(seed), place_(place), limits_(limits) {
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
    away_->run(async::with_deadline(away_->now() + std::chrono::minutes(10), std::move(task)));
  }
  void spawn(Task<void> task) override { scope_->spawn(std::move(task)); }
  void run_for(Duration duration) override { world_.run_for(duration); }
  void crash() override {
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
    sqlite::BrokerSettings settings;
    settings.database.path = folder_.file("broker.db");
    settings.database.batch_time = Duration::zero();
    settings.limits = limits_;
    broker_ = home_->run(sqlite::EmbeddedBroker::open(*home_, std::move(settings)));
    port_ = broker_->connect(*away_);
    scope_.emplace(*away_, "process");
  }

  tests::TemporaryFolder folder_;
  async::sim::World world_;
  Place place_;
  sqlite::BrokerLimits limits_;
  async::sim::Node* home_ = nullptr;
  async::sim::Node* away_ = nullptr;
  std::unique_ptr<sqlite::EmbeddedBroker> broker_;
  std::unique_ptr<messaging::Broker> port_;
  std::optional<async::Scope> scope_;
};

BrokerEngine engine(std::string name, Place place, sqlite::BrokerLimits limits = {}) {
  return {std::move(name), {}, [=](std::uint64_t seed) -> std::unique_ptr<BrokerBench> {
            return std::make_unique<EmbeddedBench>(seed, place, limits);
          }};
}

// So little memory that nearly everything is read from the tables.
constexpr sqlite::BrokerLimits tiny{
    .queue_messages = 4, .queue_bytes = 4096, .key_messages = 1, .topic_open = 64};

const auto engines = testing::Values(engine("Embedded", Place::same_worker),
                                     engine("EmbeddedAway", Place::other_worker),
                                     engine("EmbeddedTiny", Place::same_worker, tiny));

INSTANTIATE_TEST_SUITE_P(Conformance, BrokerQueueConformance, engines, broker_engine_name);
INSTANTIATE_TEST_SUITE_P(Conformance, BrokerTopicConformance, engines, broker_engine_name);

}  // namespace
}  // namespace sinew::conformance
