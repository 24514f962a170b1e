#include "sinew/store/event_subscription.hpp"

namespace sinew::store {

Task<EventPage> EventSubscription::read_page() {
  return database_.read([this](Transaction& transaction) -> Task<EventPage> {
    EventLog& log = database_.event_log();
    if (!filter_.empty()) {
      co_return co_await log.read_matching(transaction, filter_, position_, page_);
    }
    EventPage page{co_await log.read_all(transaction, position_, page_), position_, false};
    page.at_end = page.events.empty();
    if (!page.at_end) page.position = page.events.back().position;
    co_return page;
  });
}

Task<std::vector<RecordedEvent>> EventSubscription::next() {
  CommitSignal& appended = database_.event_log().appended();
  for (;;) {
    const std::uint64_t seen = appended.count();
    auto events = co_await next_ready();
    if (!events.empty()) co_return events;
    co_await appended.beyond(seen);
  }
}

Task<std::vector<RecordedEvent>> EventSubscription::next_ready() {
  for (;;) {
    EventPage page = co_await read_page();
    position_ = page.position;
    if (!page.events.empty() || page.at_end) co_return std::move(page.events);
  }
}

}  // namespace sinew::store
