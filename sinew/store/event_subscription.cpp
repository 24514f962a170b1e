#include "sinew/store/event_subscription.hpp"

namespace sinew::store {

Task<std::vector<RecordedEvent>> EventSubscription::read_page() {
  return database_.read([this](Transaction& transaction) {
    return database_.event_log().read_all(transaction, position_, page_);
  });
}

Task<std::vector<RecordedEvent>> EventSubscription::next() {
  CommitSignal& appended = database_.event_log().appended();
  for (;;) {
    const std::uint64_t seen = appended.count();
    std::vector<RecordedEvent> events = co_await read_page();
    if (!events.empty()) {
      position_ = events.back().position;
      co_return events;
    }
    co_await appended.beyond(seen);
  }
}

}  // namespace sinew::store
