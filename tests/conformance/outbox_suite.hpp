#pragma once

#include <set>

#include "sinew/store/outbox.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// The Outbox on an engine: a message leaves if and only if its transaction committed, the order of
// a key holds with several relays, a former owner deletes nothing, a full one pushes back.
class OutboxConformance : public Conformance {
 protected:
  using Entries = std::vector<store::OutboxEntry>;
  using Leases = std::vector<store::Outbox::Lease>;

  static constexpr Timestamp noon = from_micros(1'767'268'800'000'000);
  static constexpr Duration lease_time = std::chrono::seconds(10);

  event::Envelope message(std::string key, std::string data = "{}");
  Task<void> insert(event::Envelope envelope);
  Task<Leases> lease(Uuid owner, Timestamp now, std::int32_t most = store::Outbox::partitions);
  static std::set<std::int32_t> partitions_of(const Leases& leases);
  Task<Entries> read(std::int32_t partition, std::int64_t after = 0, std::size_t limit = 100);
  Task<bool> publish(store::Outbox::Lease lease, std::vector<std::int64_t> positions);
  Task<std::int64_t> size();
  Task<void> relay(Uuid owner, const bool& writing, std::vector<event::Envelope>& published);

  store::OutboxBatch batch_of(int messages);
  store::OutboxBatch batch_with_refusals();
  Task<std::size_t> insert_all(store::OutboxBatch batch,
                               store::OnError on_error = store::OnError::fail);

  store::Outbox outbox_{20};
};

}  // namespace sinew::conformance
