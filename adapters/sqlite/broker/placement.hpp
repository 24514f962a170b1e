#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "adapters/sqlite/broker/queue.hpp"
#include "adapters/sqlite/broker/queue_source.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/event/timing.hpp"

namespace sinew::sqlite::broker {

// The low bits of FNV-1a depend on the low bits of each byte alone: mixes the high ones in.
std::uint64_t hash_of(std::string_view key);

// A message's place in a queue: the row to be written, and what the queue is told when it is; of a
// delayed one only the row.
struct Placement {
  MessageRow row;
  Entry entry;

  bool delayed() const noexcept { return row.due_at.has_value(); }
};

// A message that was published: delayed when `timing`, which is wall time, says so.
Placement place(const QueueSource& queue, std::int64_t sequence, event::Envelope envelope,
                const event::Timing& timing);
// One whose place is here from now on, and that expires then, or by the queue's ttl, in the
// broker's time.
Placement place_now(const QueueSource& queue, std::int64_t sequence, event::Envelope envelope,
                    std::optional<Timestamp> expires_at);

}  // namespace sinew::sqlite::broker
