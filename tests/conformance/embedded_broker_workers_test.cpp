#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "adapters/sqlite/embedded_broker.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/worker.hpp"
#include "tests/conformance/broker_traffic.hpp"
#include "tests/support/simulated_sqlite.hpp"

// The embedded broker on real reactors: it lives on the first of two workers, contexts on both.
namespace sinew::conformance {
namespace {

using messaging::Destination;
using messaging::DestinationKind;

class Process {
 public:
  Process() : group_({.workers = 2, .pools = {}, .on_stall = {}}) {}

  void run() {
    group_.run([this](async::Reactor& reactor, std::size_t index) {
      return index == 0 ? first(reactor) : second(reactor);
    });
  }

  Traffic queue_of_first{{.destination = {DestinationKind::queue, "near"}, .group = ""}};
  Traffic queue_of_second{{.destination = {DestinationKind::queue, "far"}, .group = ""}};
  Traffic topic_of_second{{.destination = {DestinationKind::topic, "news"}, .group = "sales"}};
  sqlite::BrokerStatistics statistics;

 private:
  Task<void> first(async::Reactor& reactor) {
    sqlite::BrokerSettings settings;
    settings.database.path = folder_.file("broker.db");
    broker_ = co_await sqlite::EmbeddedBroker::open(reactor, std::move(settings));
    auto port = broker_->connect(reactor);
    co_await port->declare({.queues = {{.name = "near"}, {.name = "far"}},
                            .topics = {{.name = "news", .partitions = 4}}});
    opened_.set();
    co_await drive(reactor, *port, queue_of_first);
    co_await second_ended_.wait();
    port.reset();
    statistics = broker_->statistics();
    co_await broker_->close();
    broker_.reset();
  }

  Task<void> second(async::Reactor& reactor) {
    co_await async::call_on(group_.reactor(0), [this] { return opened_.wait(); });
    {
      auto port = broker_->connect(reactor);
      co_await drive(reactor, *port, queue_of_second);
      co_await drive(reactor, *port, topic_of_second);
    }
    co_await async::call_on(group_.reactor(0), [this]() -> Task<void> {
      second_ended_.set();
      co_return;
    });
  }

  static Task<void> drive(async::Reactor& reactor, messaging::Broker& broker, Traffic& traffic) {
    traffic.calm = true;
    async::Scope scope(co_await async::this_context());
    for (int publisher = 0; publisher < 2; ++publisher)
      scope.spawn(traffic.publish(reactor, broker, publisher));
    for (int consumer = 0; consumer < 3; ++consumer)
      scope.spawn(traffic.consume(reactor, broker));
    co_await scope.join();
  }

  tests::TemporaryFolder folder_;
  async::WorkerGroup group_;
  std::unique_ptr<sqlite::EmbeddedBroker> broker_;
  async::Event opened_;
  async::Event second_ended_;
};

TEST(EmbeddedBrokerOnWorkers, CarriesTrafficWithinAndBetweenWorkers) {
  Process process;

  process.run();

  for (const Traffic* traffic :
       {&process.queue_of_first, &process.queue_of_second, &process.topic_of_second}) {
    EXPECT_TRUE(traffic->done());
    EXPECT_THAT(traffic->violations(), testing::IsEmpty());
  }
  for (const auto& queue : process.statistics.queues) {
    EXPECT_EQ(queue.ready, 0) << queue.name;
    EXPECT_EQ(queue.in_work, 0) << queue.name;
  }
  for (const auto& group : process.statistics.groups)
    EXPECT_EQ(group.lag, 0) << group.partition;
}

}  // namespace
}  // namespace sinew::conformance
