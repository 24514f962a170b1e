#pragma once

#include "sinew/messaging/backlog.hpp"

namespace sinew::messaging {

// Reads a row of: consumer, sequence, state, ordering_key, attempts, arrived_at, not_before,
// reason, first_error, last_error, envelope, postponed_since.
BacklogEntry backlog_entry(const store::Row& row);

}  // namespace sinew::messaging
