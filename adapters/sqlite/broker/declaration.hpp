#pragma once

#include <vector>

#include "adapters/sqlite/broker/directory.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::sqlite::broker {

// Throws Error invalid_input with everything that is wrong with queues that are to be declared,
// beside those there are: names and settings out of range, dead-letter queues that are none.
void check(const std::vector<messaging::QueueSpec>& queues, const Directory& directory);

}  // namespace sinew::sqlite::broker
