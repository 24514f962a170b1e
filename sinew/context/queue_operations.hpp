#pragma once

#include <string>

#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/messaging/queue_operator.hpp"

namespace sinew::context {

// What an operator can ask of a broker's queues, as operations.hpp for a context's database:
//
//   queue.list     {}                        -> {queues: [...]}
//   queue.show     {queue, limit?}           -> {queue: {...}, messages: [...]}: the first ones
//   queue.purge    {queue, dry_run?, why?}   -> {messages: n, dry_run}
//   queue.redrive  likewise: dead letters go back to their queues
//
// What changes something is written to the log with who asked and why. Errors: not_found (no such
// operation or queue), invalid_input (arguments).
Task<Json> operate_queues(messaging::QueueOperator& queues, std::string operation,
                          std::string actor, Json arguments);

// Brings the gauges of the lasting queues up to date.
Task<void> measure_queues(messaging::QueueOperator& queues, metrics::Registry& metrics);

}  // namespace sinew::context
