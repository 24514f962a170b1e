#pragma once

#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::context {

// What an operator can ask of the broker's topics, by name and JSON arguments, with a JSON answer:
// behind the operator API of a running host and behind `sinew` on a stopped folder.
//
//   topic.list   {}                                              -> {topics: [...]}
//   topic.show   {topic, group?}                                 -> {topic: {...}, partitions:
//   [...]} topic.reset  {topic, group, to?, positions?, dry_run?, why?} -> {moved: [...], dry_run}
//
// `to`: beginning (the default), end, or a time in RFC 3339; `positions`: for single partitions.
// Errors: not_found (no such operation, topic or group), conflict (the group has members),
// invalid_input (arguments, each with its path).
Task<Json> operate_topics(messaging::Broker& broker, std::string operation, std::string actor,
                          Json arguments);

}  // namespace sinew::context
