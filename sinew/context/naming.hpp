#pragma once

#include <string>
#include <string_view>

#include "sinew/store/outbox.hpp"

// Where messages go, by convention: a context owns one topic for its events, one queue for commands
// to it and one for replies to its own commands. So a type's name says its place.
namespace sinew::context {

// The context that a type belongs to: `sales` of `sales.order.placed`.
std::string_view owner_of(std::string_view type);

store::Destination events_of(std::string_view context);    // topic sales.events
store::Destination commands_of(std::string_view context);  // queue sales.commands
store::Destination replies_of(std::string_view context);   // queue sales.replies
// For answers to what somebody waits for; replies to sagas are the queue above.
store::Destination answers_of(std::string_view context);  // exclusive queue sales.waiting

// The name of the consumer by which a context takes what is there: sales/sales.commands.
std::string consumer_of(std::string_view context, const store::Destination& source);

// The CloudEvents source of a context's messages: /sales.
std::string source_of(std::string_view context);

}  // namespace sinew::context
