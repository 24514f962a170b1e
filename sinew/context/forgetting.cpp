#include "sinew/context/forgetting.hpp"

#include <algorithm>

#include "sinew/base/error.hpp"
#include "sinew/saga/journal.hpp"
#include "sinew/store/inbox.hpp"

namespace sinew::context {
namespace {

constexpr std::size_t rows_a_transaction = 1000;
constexpr auto counted_a_read = std::chrono::hours(1);  // marks of so long are counted together
constexpr Timestamp::duration moment{1};

Timestamp earlier(Timestamp time, Duration by) {
  return time - std::chrono::ceil<Timestamp::duration>(by);
}

}  // namespace

Task<void> Forgetting::run() {
  for (;;) {
    try {
      co_await sweep();
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      clock_.reset();
      log_.warn("old inbox marks cannot be removed", {{"error", error.detail()}});
    }
    co_await async::sleep_for(sweep_every);
  }
}

// Marks have the reading of the clock when they were written, so those of a reading that has passed
// are complete.
Task<void> Forgetting::sweep() {
  const std::optional<Timestamp> passed = clock_;
  const bool moved = co_await move_clock();
  co_await forget();
  if (moved) {
    status_.marks += co_await count_marks(*passed, *passed + moment);
  } else {
    status_.marks = co_await count_marks(Timestamp::min(), *clock_);
    status_.marks += co_await count_marks(*clock_ + moment, Timestamp::max());
  }
  const auto first = co_await database_.read(
      [](store::Transaction& tx) { return store::Inbox::first(tx, Timestamp::min()); });
  status_.oldest =
      first ? std::max<Duration>(*clock_ - *first, Duration::zero()) : Duration::zero();
}

// False when the clock only was looked at: at first, after a failure, and when another process had
// moved it. Then this one counts from here.
Task<bool> Forgetting::move_clock() {
  const std::optional<Timestamp> left = std::exchange(clock_, std::nullopt);
  const Instant now = runtime_.now();
  const Duration passed = now - std::exchange(clock_at_, now);
  bool moved = false;
  clock_ = co_await database_.transaction([&](store::Transaction& tx) -> Task<Timestamp> {
    moved = left && co_await store::Inbox::advance(tx, *left, passed);
    co_return co_await store::Inbox::clock(tx);
  });
  co_return moved;
}

Task<void> Forgetting::forget() {
  const Timestamp marked = earlier(*clock_, remembering_.inbox);
  const Timestamp written = earlier(runtime_.wall_now(), remembering_.journal);
  std::int64_t marks = 0;
  std::int64_t entries = 0;
  do {
    co_await database_.transaction([&](store::Transaction& tx) -> Task<void> {
      marks = co_await store::Inbox::forget(tx, marked, rows_a_transaction);
      entries = co_await saga::forget_journal(tx, written, rows_a_transaction);
    });
    status_.marks -= marks;
    status_.forgotten += static_cast<std::uint64_t>(marks);
  } while (std::max(marks, entries) == static_cast<std::int64_t>(rows_a_transaction));
}

// In steps, so that no read takes long because there are many.
Task<std::int64_t> Forgetting::count_marks(Timestamp from, Timestamp to) {
  std::int64_t marks = 0;
  for (;;) {
    const auto first = co_await database_.read(
        [from](store::Transaction& tx) { return store::Inbox::first(tx, from); });
    if (!first || *first >= to) co_return marks;
    from = to - *first > counted_a_read ? *first + counted_a_read : to;
    marks += co_await database_.read(
        [&first, from](store::Transaction& tx) { return store::Inbox::count(tx, *first, from); });
  }
}

}  // namespace sinew::context
