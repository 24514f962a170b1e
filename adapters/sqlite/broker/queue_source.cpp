#include "adapters/sqlite/broker/queue_source.hpp"

#include <memory>
#include <utility>

#include "sinew/base/crash_point.hpp"

namespace sinew::sqlite::broker {
namespace {

// Ends the settling however the transaction ended.
class Guard {
 public:
  Guard(Queue& queue, const Queue::Settling& settling) : queue_(queue), settling_(settling) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { queue_.end_settle(settling_, deleted); }

  bool deleted = false;

 private:
  Queue& queue_;
  const Queue::Settling& settling_;
};

class Loading {
 public:
  explicit Loading(Queue& queue) : queue_(queue) { queue_.begin_load(); }
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;
  ~Loading() { queue_.end_load(); }

 private:
  Queue& queue_;
};

}  // namespace

Task<std::size_t> QueueSource::settle(MemberId member, std::vector<messaging::Settle> settlements,
                                      Instant) {
  const Queue::Settling settling = queue_.begin_settle(member, settlements);
  if (settling.sequences.empty()) co_return settling.fenced;
  Guard guard(queue_, settling);
  SINEW_CRASH_POINT("broker.before_settle");
  co_await database_.transaction([this, &settling](store::Transaction& tx) -> Task<void> {
    co_await delete_messages(tx, number_, settling.sequences);
  });
  SINEW_CRASH_POINT("broker.after_settle");
  guard.deleted = true;
  co_return settling.fenced;
}

Task<void> QueueSource::load() {
  const auto wanted = queue_.wanted();
  if (!wanted) co_return;
  const Loading loading(queue_);
  Page page = co_await database_.read([this, &wanted](store::Transaction& tx) -> Task<Page> {
    co_return co_await read_messages(tx, number_, wanted->key, wanted->after, wanted->upto,
                                     wanted->limit);
  });
  std::vector<Entry> entries;
  entries.reserve(page.messages.size());
  for (StoredMessage& message : page.messages) {
    auto envelope = std::make_shared<const event::Envelope>(std::move(message.envelope));
    entries.push_back({message.sequence, message.key, std::move(envelope), 0});
    if (message.expires_at) entries.back().expires = clock_.instant_of(*message.expires_at);
  }
  queue_.loaded(*wanted, std::move(entries), page.all);
}

}  // namespace sinew::sqlite::broker
