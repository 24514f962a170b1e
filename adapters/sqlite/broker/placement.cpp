#include "adapters/sqlite/broker/placement.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "sinew/base/hash.hpp"
#include "sinew/event/envelope_codec.hpp"

namespace sinew::sqlite::broker {
namespace {

std::uint64_t key_of(const QueueSource& queue, const event::Envelope& envelope) {
  if (!queue.spec().ordered || envelope.ordering_key.empty()) return 0;
  return std::max<std::uint64_t>(hash_of(envelope.ordering_key), 1);
}

}  // namespace

std::uint64_t hash_of(std::string_view key) {
  const std::uint64_t hash = stable_hash(key);
  return hash ^ (hash >> 32);
}

Placement place_now(const QueueSource& queue, std::int64_t sequence, event::Envelope envelope,
                    std::optional<Timestamp> expires_at) {
  const Timestamp now = queue.clock().now();
  if (const auto ttl = queue.spec().ttl) {
    const Timestamp by_queue = now + std::chrono::ceil<Timestamp::duration>(*ttl);
    expires_at = std::min(expires_at.value_or(by_queue), by_queue);
  }
  Placement placed;
  placed.row = {.number = queue.number(),
                .sequence = sequence,
                .key = key_of(queue, envelope),
                .body = event::encode(envelope),
                .accepted_at = now,
                .expires_at = expires_at};
  placed.entry.sequence = sequence;
  placed.entry.key = placed.row.key;
  placed.entry.envelope = std::make_shared<const event::Envelope>(std::move(envelope));
  if (expires_at) placed.entry.expires = queue.clock().instant_of(*expires_at);
  return placed;
}

// The microseconds of the wall clock and of the broker's begin at different moments: without it a
// message could be delivered one too early.
constexpr Timestamp::duration clock_phase{1};

Placement place(const QueueSource& queue, std::int64_t sequence, event::Envelope envelope,
                const event::Timing& timing) {
  const Clock& clock = queue.clock();
  std::optional<Timestamp> expires_at;
  if (timing.expires_at) expires_at = clock.of_wall(*timing.expires_at);
  const Timestamp due_at = timing.not_before ? clock.of_wall(*timing.not_before) : Timestamp::min();
  if (due_at <= clock.now()) return place_now(queue, sequence, std::move(envelope), expires_at);
  Placement placed;
  placed.row = {.number = queue.number(),
                .sequence = sequence,
                .body = event::encode(envelope),
                .accepted_at = clock.now(),
                .due_at = due_at + clock_phase,
                .expires_at = expires_at};
  return placed;
}

}  // namespace sinew::sqlite::broker
