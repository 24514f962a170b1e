#pragma once

#include <chrono>
#include <optional>

#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"

// When a message may be delivered: two extensions that travel with its envelope through outbox,
// relay and broker. Both are instants of wall time, as RFC 3339; queues follow them, see
// docs/reference/broker.md for what holds when the clock jumps.
namespace sinew::event {

// `expirytime` is CloudEvents' documented extension, `notbefore` is Sinew's.
struct Timing {
  std::optional<Timestamp> not_before{};  // notbefore: not delivered earlier
  std::optional<Timestamp> expires_at{};  // expirytime: not delivered from then on
};

// Delays and lives that a caller may ask for.
inline constexpr Duration max_delay = std::chrono::hours(24 * 366);

// Throws DocumentError, the attribute being the path: `notbefore` or `expirytime` is no RFC 3339
// instant, or it expires before it may be delivered; `priority`, which queues do not know.
Timing timing_of(const Envelope& envelope);
bool delayed(const Envelope& envelope) noexcept;

// Counted from `now`, the wall time. Throw Error invalid_input: a negative delay, a life of nothing
// or less, either beyond max_delay.
void delay_by(Envelope& envelope, Timestamp now, Duration delay);
void expire_after(Envelope& envelope, Timestamp now, Duration life);

}  // namespace sinew::event
