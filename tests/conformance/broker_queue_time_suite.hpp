#pragma once

#include "tests/conformance/broker_engine.hpp"

namespace sinew::conformance {

// Queues in time: delay, expiry, dead letters, what a jump of the wall clock does; and queues that
// pass with their subscriptions.
class BrokerQueueTimeConformance : public BrokerConformance {
 protected:
  void SetUp() override;

  static messaging::Destination queue(std::string name) {
    return {messaging::DestinationKind::queue, std::move(name)};
  }
  messaging::Message message(std::string subject, std::string key = "") {
    return to(queue(spec_.name), std::move(key), std::move(subject));
  }
  messaging::Message delayed(std::string subject, Duration delay, std::string key = "");
  messaging::Message expiring(std::string subject, Duration life, std::string key = "");

  // Declares the test's queue, and its dead-letter queue when it has one.
  Task<void> declare();
  // Everything that comes out of a queue until nothing comes for half a second; accepted.
  Task<Deliveries> drain(std::string name);
  Task<Subscription> consumer(std::string name, std::int32_t prefetch = 10);

  messaging::QueueSpec spec_;
  std::string dead_;  // the name of a dead-letter queue
};

}  // namespace sinew::conformance
