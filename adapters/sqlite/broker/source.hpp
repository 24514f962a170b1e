#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <vector>

#include "adapters/sqlite/broker/member.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::sqlite::broker {

// What members subscribe to: a queue, or a group of a topic. Lives on the broker's worker. Who
// changes it gives out what deal() returns afterwards.
class Source : public std::enable_shared_from_this<Source> {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual void join(MemberId member, MemberOptions options, Instant now) = 0;
  virtual void leave(MemberId member, Departure departure, Instant now) = 0;
  virtual void demand(MemberId member, std::size_t limit, Instant now) = 0;
  virtual void renew(MemberId member, Instant now) = 0;
  // Durable when it returns. Gives how many settlements came too late.
  virtual Task<std::size_t> settle(MemberId member, std::vector<messaging::Settle> settlements,
                                   Instant now) = 0;

  virtual std::vector<Dealt> deal(Instant now) = 0;
  // Whether the table has something for those who wait; load() then reads a page of it.
  virtual bool wants_load() const = 0;
  virtual Task<void> load() = 0;

  virtual void expire(Instant now) = 0;
  virtual Instant next_expiry() const = 0;

  // Whether it goes now that nobody subscribes.
  virtual bool over() const noexcept { return false; }

  // For the broker.
  std::set<MemberId> subscribers;
  bool load_queued = false;
};

}  // namespace sinew::sqlite::broker
