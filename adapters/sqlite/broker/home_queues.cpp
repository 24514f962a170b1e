#include <fmt/format.h>

#include <utility>

#include "adapters/sqlite/broker/home.hpp"
#include "adapters/sqlite/broker/timed_messages.hpp"
#include "adapters/sqlite/broker/transfer.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/dead_letter.hpp"

// What an operator does with queues.
namespace sinew::sqlite::broker {
namespace {

constexpr std::size_t messages_a_page = 256;

class Pause {
 public:
  explicit Pause(Queue& queue) : queue_(queue) { queue_.pause(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
  ~Pause() { queue_.resume(); }

 private:
  Queue& queue_;
};

messaging::QueueStatus status_of(const QueueSource& source, std::optional<Timestamp> oldest) {
  const Queue& queue = source.queue();
  const QueueCounts& counts = queue.counts();
  return {.spec = queue.spec(),
          .ready = queue.ready(),
          .in_work = queue.in_work(),
          .delayed = queue.delayed(),
          .oldest = oldest ? source.clock().now() - *oldest : Duration::zero(),
          .published = counts.published,
          .delivered = counts.delivered,
          .accepted = counts.accepted,
          .returned = counts.returned,
          .lost = counts.lost,
          .dead_lettered = counts.dead_lettered,
          .dropped = counts.dropped};
}

}  // namespace

std::shared_ptr<QueueSource> Home::queue_called(const std::string& name) const {
  const auto found = directory_.queues.find(name);
  if (found != directory_.queues.end()) return found->second;
  throw Error(Condition::not_found,
              fmt::format("there is no queue {}; `sinew queue list` shows which there are", name));
}

Task<std::vector<messaging::QueueStatus>> Home::queues() {
  std::vector<std::shared_ptr<QueueSource>> sources;
  for (const auto& [name, source] : directory_.queues)
    sources.push_back(source);
  std::vector<messaging::QueueStatus> all;
  for (const auto& source : sources) {
    const auto oldest = co_await database_->read(
        [&source](store::Transaction& tx) { return oldest_message(tx, source->number()); });
    all.push_back(status_of(*source, oldest));
  }
  co_return all;
}

Task<std::vector<event::Envelope>> Home::look(std::string name, std::size_t limit) {
  const auto source = queue_called(name);
  Page page = co_await database_->read([&](store::Transaction& tx) {
    return read_messages(tx, source->number(), 0, 0, Queue::max_sequence, limit);
  });
  std::vector<event::Envelope> envelopes;
  for (StoredMessage& message : page.messages)
    envelopes.push_back(std::move(message.envelope));
  co_return envelopes;
}

Task<std::int64_t> Home::purge(std::string name, bool dry_run) {
  const auto source = queue_called(name);
  const auto anywhere = [](const event::Envelope&) { return std::pair(true, nullptr); };
  std::int64_t count = co_await take_out(source, Transfer::Kind::removed, dry_run, anywhere);
  std::int64_t after = 0;
  for (bool more = true; more;) {
    auto messages = co_await database_->read([&](store::Transaction& tx) {
      return read_delayed(tx, source->number(), after, messages_a_page);
    });
    more = messages.size() == messages_a_page;
    Transfer transfer(Transfer::Kind::removed);
    for (TimedMessage& timed : messages) {
      after = timed.message.sequence;
      if (!dry_run) transfer.add(source, std::move(timed.message), true, nullptr);
    }
    count += dry_run ? std::ssize(messages) : co_await sweeper_.carry(transfer);
  }
  co_return count;
}

Task<std::int64_t> Home::redrive(std::string name, bool dry_run) {
  const auto back = [this](const event::Envelope& letter) {
    const auto from = letter.extensions.find(messaging::dead_letter::queue);
    if (from == letter.extensions.end()) return std::pair(false, std::shared_ptr<QueueSource>());
    const auto queue = directory_.queues.find(from->second);
    const bool there = queue != directory_.queues.end();
    return std::pair(there, there ? queue->second : nullptr);
  };
  co_return co_await take_out(queue_called(name), Transfer::Kind::moved, dry_run, back);
}

// Takes out what nobody has in work, up to what is the last message now; `where` says of each
// whether it goes, and to which queue.
Task<std::int64_t> Home::take_out(std::shared_ptr<QueueSource> source, Transfer::Kind kind,
                                  bool dry_run, WhereTo where) {
  std::int64_t count = 0;
  {
    const Pause pause(source->queue());
    const std::int64_t upto = source->queue().last_place();
    std::int64_t after = 0;
    for (bool all = false; !all;) {
      Page page = co_await database_->read([&](store::Transaction& tx) {
        return read_messages(tx, source->number(), 0, after, upto, messages_a_page);
      });
      all = page.all;
      const auto lent = source->queue().lent();
      Transfer transfer(kind);
      for (StoredMessage& message : page.messages) {
        after = message.sequence;
        const auto [goes, to] = where(message.envelope);
        if (!goes || lent.contains(message.sequence)) continue;
        if (dry_run) {
          ++count;
        } else {
          transfer.add(source, std::move(message), false, to);
        }
      }
      count += co_await sweeper_.carry(transfer);
    }
  }
  serve(*source);
  co_return count;
}

}  // namespace sinew::sqlite::broker
