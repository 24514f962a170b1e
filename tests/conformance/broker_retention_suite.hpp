#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/conformance/broker_topic_suite.hpp"

namespace sinew::conformance {

// Topics that do not keep everything: what goes by age, by size and by key, what stays for groups
// that have not read it, and how groups learn of a gap.
class BrokerRetentionConformance : public BrokerTopicConformance {
 protected:
  void SetUp() override;

  messaging::Message tombstone(std::string key);
  // The records `first` to `last` of one key.
  Task<void> publish_many(int first, int last, std::size_t bytes);
  // Those that the subscription is told of now.
  Task<std::vector<messaging::Skipped>> gaps(messaging::Subscription& subscription);
  // Accepts the first record as a group that leaves.
  Task<void> accept_one(std::string group);
};

}  // namespace sinew::conformance
