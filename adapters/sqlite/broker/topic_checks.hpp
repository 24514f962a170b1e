#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "adapters/sqlite/broker/directory.hpp"
#include "sinew/messaging/broker.hpp"

// What is asked of a topic, checked before it is done. All throw Error invalid_input.
namespace sinew::sqlite::broker {

// Names everything that is out of range or contradicts itself.
void check(const messaging::TopicSpec& spec);

// Where a group begins, or is to go on.
struct Start {
  explicit Start(const messaging::SubscribeOptions& options)
      : from(options.start), time(options.start_time), after(options.start_after) {}
  explicit Start(const messaging::GroupReset& reset)
      : from(reset.start), time(reset.start_time), after(reset.start_after) {}

  messaging::StartFrom from;
  Timestamp time;
  std::map<std::int32_t, store::Checkpoint> after;
};
void check(const Start& start, const Topic& topic, Timestamp now);

}  // namespace sinew::sqlite::broker
