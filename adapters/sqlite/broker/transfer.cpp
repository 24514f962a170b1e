#include "adapters/sqlite/broker/transfer.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "adapters/sqlite/broker/timed_messages.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/dead_letter.hpp"

namespace sinew::sqlite::broker {
namespace {

constexpr Duration pause_when_database_fails = std::chrono::milliseconds(100);

}  // namespace

bool Transfer::add(std::shared_ptr<QueueSource> from, StoredMessage message, bool delayed,
                   std::shared_ptr<QueueSource> to) {
  Item item;
  item.from = std::move(from);
  item.place = {message.sequence, message.key};
  item.delayed = delayed;
  item.to = std::move(to);
  if (item.to) {
    Queue& queue = item.to->queue();
    const auto sequence = kind_ == Kind::due ? queue.reserve_due() : queue.reserve();
    if (!sequence) return false;
    event::Envelope& envelope = message.envelope;
    if (kind_ == Kind::dead_letter) messaging::make_dead_letter(envelope, item.from->spec().name);
    if (kind_ == Kind::moved) messaging::revive(envelope);
    const auto expires_at = kind_ == Kind::due ? message.expires_at : std::nullopt;
    item.target = place_now(*item.to, *sequence, std::move(envelope), expires_at);
    first_timed_ = std::min(first_timed_, item.target->entry.expires);
  }
  items_.push_back(std::move(item));
  return true;
}

Task<std::int64_t> Transfer::run(store::Database& database) {
  std::exception_ptr failure;
  Applied applied = Applied::no;
  try {
    co_await database.transaction([this](store::Transaction& tx) { return write(tx); });
  } catch (const Error& error) {
    failure = std::current_exception();
    applied = error.applied();
  } catch (...) {
    failure = std::current_exception();
  }
  if (applied == Applied::unknown) {
    doubt();
    end_doubt(co_await find_out(database));
  } else if (failure) {
    withdraw();
    std::rethrow_exception(failure);
  }
  co_return std::ranges::count(items_, true, &Item::taken);
}

Task<void> Transfer::write(store::Transaction& tx) {
  tx.after_commit(*this);
  std::map<std::int64_t, std::int64_t> taken;  // by queue
  std::vector<MessageRow> rows;
  for (Item& item : items_) {
    const std::int64_t queue = item.from->number();
    item.taken = co_await take_message(tx, queue, item.place.sequence, item.delayed);
    if (!item.taken) continue;
    ++taken[queue];
    if (item.target) rows.push_back(item.target->row);
  }
  for (const auto& [queue, count] : taken)
    co_await count_taken(tx, queue, count);
  co_await insert_messages(tx, rows);
}

void Transfer::committed() noexcept {
  for (Item& item : items_) {
    if (!item.target) continue;
    Queue& target = item.to->queue();
    if (item.taken) {
      std::vector<Entry> entries;
      entries.push_back(std::move(item.target->entry));
      target.published(std::move(entries));
    } else {
      target.withdraw(1);
    }
  }
  note_gone();
}

// Tells the queues where the messages were.
void Transfer::note_gone() {
  for (const Item& item : items_) {
    if (!item.taken) continue;
    Queue& from = item.from->queue();
    if (item.delayed) {
      from.delayed_removed(1);
    } else {
      from.removed({&item.place, 1});
    }
    if (kind_ == Kind::dead_letter) from.count_expired(item.to ? 1 : 0, item.to ? 0 : 1);
  }
}

void Transfer::withdraw() {
  for (Item& item : items_) {
    item.taken = false;
    if (item.target) item.to->queue().withdraw(1);
  }
}

void Transfer::doubt() {
  for (const Item& item : items_) {
    if (item.target) item.to->queue().doubt(item.target->row.sequence);
  }
}

void Transfer::end_doubt(bool written) {
  for (Item& item : items_) {
    item.taken = item.taken && written;
    if (item.target) item.to->queue().end_doubt(1, item.taken ? 1 : 0);
  }
  note_gone();
}

// The database is opened again after a failed sync; what it holds then is the truth. The first that
// was taken stands for all.
Task<bool> Transfer::find_out(store::Database& database) {
  const auto first = std::ranges::find(items_, true, &Item::taken);
  while (first != items_.end()) {
    try {
      const std::vector<std::int64_t> sequences{first->place.sequence};
      const std::int64_t there = co_await database.read([&](store::Transaction& tx) {
        return count_messages(tx, first->from->number(), sequences);
      });
      co_return there == 0;
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
    }
    co_await async::sleep_for(pause_when_database_fails);
  }
  co_return false;
}

std::vector<QueueSource*> Transfer::changed() const {
  std::vector<QueueSource*> sources;
  for (const Item& item : items_) {
    for (QueueSource* source : {item.from.get(), item.to.get()}) {
      if (source != nullptr && std::ranges::find(sources, source) == sources.end()) {
        sources.push_back(source);
      }
    }
  }
  return sources;
}

}  // namespace sinew::sqlite::broker
