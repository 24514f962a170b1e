#pragma once

#include <cstdint>
#include <vector>

#include "adapters/sqlite/broker/clock.hpp"
#include "adapters/sqlite/broker/queue.hpp"
#include "adapters/sqlite/broker/source.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "sinew/store/database.hpp"

namespace sinew::sqlite::broker {

// A queue over its table.
class QueueSource final : public Source {
 public:
  QueueSource(store::Database& database, const Clock& clock, QueueRow row, QueueLimits limits)
      : database_(database),
        clock_(clock),
        number_(row.number),
        queue_(std::move(row.spec), row.stored, row.tail, limits) {
    queue_.found_delayed(row.delayed);
  }

  std::int64_t number() const noexcept { return number_; }
  const messaging::QueueSpec& spec() const noexcept { return queue_.spec(); }
  const Clock& clock() const noexcept { return clock_; }
  Queue& queue() noexcept { return queue_; }
  const Queue& queue() const noexcept { return queue_; }

  void join(MemberId member, MemberOptions options, Instant) override {
    queue_.join(member, options);
  }
  void leave(MemberId member, Departure departure, Instant) override {
    queue_.leave(member, departure);
  }
  void demand(MemberId member, std::size_t limit, Instant) override {
    queue_.demand(member, limit);
  }
  void renew(MemberId member, Instant now) override { queue_.renew(member, now); }
  Task<std::size_t> settle(MemberId member, std::vector<messaging::Settle> settlements,
                           Instant now) override;

  std::vector<Dealt> deal(Instant now) override { return queue_.deal(now); }
  bool wants_load() const override { return queue_.wanted().has_value(); }
  Task<void> load() override;

  void expire(Instant now) override { queue_.expire(now); }
  Instant next_expiry() const override { return queue_.next_expiry(); }
  bool over() const noexcept override {
    return spec().life != messaging::QueueLife::lasting && subscribers.empty();
  }

 private:
  store::Database& database_;
  const Clock& clock_;
  std::int64_t number_;
  Queue queue_;
};

}  // namespace sinew::sqlite::broker
