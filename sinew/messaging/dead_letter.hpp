#pragma once

#include <string>

#include "sinew/event/envelope.hpp"

// What a message of a dead-letter queue carries besides its own attributes, as extensions.
namespace sinew::messaging {

namespace dead_letter {
inline constexpr const char* reason = "deadreason";  // expired
inline constexpr const char* queue = "deadqueue";    // where it was
inline constexpr const char* count = "deadcount";    // how often it has become a dead letter
inline constexpr const char* expiry = "deadexpiry";  // its `expirytime`, which holds no longer
}  // namespace dead_letter

// For a message that expired in `queue`.
void make_dead_letter(event::Envelope& envelope, const std::string& queue);

// For one that goes back to its queue: without reason, queue and expiry; the count stays.
void revive(event::Envelope& envelope);

}  // namespace sinew::messaging
