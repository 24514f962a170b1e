#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::messaging {

inline void PrintTo(const Delivery& delivery, std::ostream* out) {
  *out << delivery.message.envelope.subject << " of " << delivery.message.envelope.ordering_key;
}

}  // namespace sinew::messaging

// The conformance suites of the Broker port: what every broker behind it promises. An adapter's
// test names its engines, with what they can do, and instantiates the suites.
namespace sinew::conformance {

// One process with a port to the broker under test, and the broker itself.
class BrokerBench {
 public:
  BrokerBench() = default;
  BrokerBench(const BrokerBench&) = delete;
  BrokerBench& operator=(const BrokerBench&) = delete;
  virtual ~BrokerBench() = default;

  virtual async::Runtime& runtime() = 0;  // of the process
  virtual messaging::Broker& broker() = 0;
  // Runs `task` to its end, at most ten hours of the runtime's time; throws what it throws.
  virtual void run(Task<void> task) = 0;
  // Starts a task of the process; crash() ends it wherever it is.
  virtual void spawn(Task<void> task) = 0;
  virtual void run_for(Duration duration) = 0;
  // Sets the wall clock of all, also after a crash(), forward or, when negative, back.
  virtual void shift_wall(Timestamp::duration by) = 0;
  // The process and the broker end at once and are started again. What the test holds of them
  // (subscriptions) is gone before.
  virtual void crash() = 0;
};

// What an engine can do; a suite leaves out what it cannot. One line an engine, in its test.
struct BrokerFeatures {
  bool queues = true;
  bool topics = true;
  bool ordered_queues = true;     // one message of a key at a time
  bool bounded_queues = true;     // max_messages rejects
  bool leases = true;             // expire, are renewed, fence
  bool counts_deliveries = true;  // delivery_count tells returns from expired leases
  bool durable = true;            // accepted messages survive crash()
  bool retention = true;          // topics remove what is old, too much or superseded
  bool timing = true;             // delay, expiry, dead letters
  bool passing_queues = true;     // exclusive and auto-delete
};

struct BrokerEngine {
  std::string name;  // letters and digits
  BrokerFeatures features;
  std::function<std::unique_ptr<BrokerBench>(std::uint64_t seed)> make;

  friend void PrintTo(const BrokerEngine& engine, std::ostream* out) { *out << engine.name; }
};

inline std::string broker_engine_name(const testing::TestParamInfo<BrokerEngine>& info) {
  return info.param.name;
}

// What the suites share: a bench each test, and words for messages and subscriptions.
class BrokerConformance : public testing::TestWithParam<BrokerEngine> {
 protected:
  using Confirms = std::vector<messaging::Confirm>;
  using Deliveries = std::vector<messaging::Delivery>;
  using Subscription = std::unique_ptr<messaging::Subscription>;

  void SetUp() override { use_seed(1); }
  void TearDown() override { bench_.reset(); }
  void use_seed(std::uint64_t seed);

  const BrokerFeatures& features() const { return GetParam().features; }
  BrokerBench& bench() { return *bench_; }
  messaging::Broker& broker() { return bench_->broker(); }
  async::Runtime& runtime() { return bench_->runtime(); }

  template <class F>
  void run(F make) {
    bench_->run(make());
  }
  template <class F>
  Condition condition_of(F make) {
    try {
      bench_->run(make());
    } catch (const Error& error) {
      return error.condition();
    }
    ADD_FAILURE() << "no error was thrown";
    return {};
  }

  // A name that no other test uses: brokers outlive tests.
  std::string fresh(const std::string& name);
  event::Envelope envelope(std::string key, std::string subject);
  messaging::Message to(messaging::Destination destination, std::string key, std::string subject);

  // Publishes and expects each to be accepted.
  Task<void> publish(std::vector<messaging::Message> messages);
  Task<Subscription> subscribe(messaging::SubscribeOptions options);
  // Receives until `count` deliveries came or nothing came for `patience`; signals of assignment
  // are passed over.
  Task<Deliveries> receive(messaging::Subscription& subscription, std::size_t count,
                           Duration patience = std::chrono::seconds(2));
  // Accepts all.
  Task<void> accept(messaging::Subscription& subscription, const Deliveries& deliveries);
  // Accepts all, and expects to hear that they are somebody else's by now.
  Task<void> expect_fenced(messaging::Subscription& subscription, const Deliveries& late);

 private:
  std::unique_ptr<BrokerBench> bench_;
};

std::vector<std::string> subjects(const std::vector<messaging::Delivery>& deliveries);

}  // namespace sinew::conformance
