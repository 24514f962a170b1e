#pragma once

#include "tests/conformance/broker_engine.hpp"
#include "tests/conformance/broker_traffic.hpp"

namespace sinew::conformance {

// Queues: each message to one of the competing consumers, those of a key one after the other, under
// a lease that fences; none lost.
class BrokerQueueConformance : public BrokerConformance {
 protected:
  void SetUp() override;

  static messaging::Destination queue(std::string name) {
    return {messaging::DestinationKind::queue, std::move(name)};
  }
  messaging::Message message(std::string key, std::string subject) {
    return to(queue(name_), std::move(key), std::move(subject));
  }
  // Declares the test's queue, with `adjust` applied to its settings.
  Task<void> declare(bool ordered = true, std::int64_t max_messages = 1000);
  Task<Subscription> consumer(std::int32_t prefetch = 10,
                              Duration lease = std::chrono::seconds(30));

  std::string name_;
};

}  // namespace sinew::conformance
