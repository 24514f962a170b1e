#pragma once

#include <optional>

#include "tests/conformance/broker_engine.hpp"
#include "tests/conformance/broker_traffic.hpp"

namespace sinew::conformance {

// Topics: every group gets every record, those of a key in order; the members of a group share the
// partitions; a position moves over what is accepted without a gap.
class BrokerTopicConformance : public BrokerConformance {
 protected:
  void SetUp() override;

  static messaging::Destination topic(std::string name) {
    return {messaging::DestinationKind::topic, std::move(name)};
  }
  messaging::Message record(std::string key, std::string subject) {
    return to(topic(name_), std::move(key), std::move(subject));
  }
  Task<void> declare(std::int32_t partitions = 4,
                     std::optional<messaging::Retention> retention = {});
  Task<Subscription> member(std::string group,
                            messaging::StartFrom start = messaging::StartFrom::beginning,
                            Duration lease = std::chrono::seconds(30));
  // Publishes the records `1` to `count` of each key.
  Task<void> publish_keys(std::vector<std::string> keys, int count);
  // What a group that has never been there is given from the beginning.
  Task<Deliveries> all_records();
  Task<std::vector<std::string>> left();  // their subjects

  std::string name_;
};

}  // namespace sinew::conformance
