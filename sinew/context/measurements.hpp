#pragma once

#include "sinew/async/task.hpp"

namespace sinew::context {

class Host;

// Brings the gauges of a host's registry up to date, for whoever is about to read them: what its
// contexts, their consumers and inboxes, and the broker's topics and queues hold now. Contexts that
// do not run keep their last figures. Names of passing queues are left out: they are without
// number. On the first worker.
Task<void> measure(Host& host);

}  // namespace sinew::context
