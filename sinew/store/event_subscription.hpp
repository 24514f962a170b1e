#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "sinew/store/database.hpp"
#include "sinew/store/event_log.hpp"

namespace sinew::store {

// Reads an event log from a position on, for ever: first what is there, page by page, then each new
// event as it is committed. Lives on the database's worker; the database outlives it. It keeps its
// position in memory only: who must not see an event twice stores it with what it did.
class EventSubscription {
 public:
  static constexpr std::size_t default_page = 256;

  // The first event given is the one after `after` that fits `filter`. `page` from 1 to
  // EventLog::max_read.
  EventSubscription(Database& database, Checkpoint after, std::size_t page = default_page,
                    EventFilter filter = {})
      : database_(database), position_(after), page_(page), filter_(std::move(filter)) {}

  // At least one event and at most a page, in order; waits for a commit when there is none. When it
  // fails no event was passed by, and it may be called again. Errors: those of Database::read,
  // timeout, cancelled.
  Task<std::vector<RecordedEvent>> next();

  // The same, but nothing when there is nothing yet.
  Task<std::vector<RecordedEvent>> next_ready();

  // Of the last event given, or further when those behind it do not fit the filter.
  const Checkpoint& position() const noexcept { return position_; }

 private:
  Task<EventPage> read_page();

  Database& database_;
  Checkpoint position_;
  std::size_t page_;
  EventFilter filter_;
};

}  // namespace sinew::store
