#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/database.hpp"

namespace sinew::context {

// How long a context remembers what it could do without; see ContextSettings.
struct Remembering {
  Duration inbox{};    // counted while the context runs
  Duration journal{};  // by the wall clock: people read it, nothing depends on it
};

// What its inbox holds, as of the last sweep. Marks of messages in the backlog count for nothing:
// they stay.
struct InboxStatus {
  std::int64_t marks = 0;
  Duration oldest{};
  std::uint64_t forgotten = 0;  // since the start
};

// Forgets old inbox marks and old entries of the journal, and moves the inbox's clock on, which
// nothing but the time that passes while it runs does. What of that is not written when the process
// ends, or when it is unknown whether it was, is not counted: marks are forgotten later, never
// earlier. Where several processes share a database one of them moves the clock.
//
// Lives on the context's worker, like `database`, which outlives it.
class Forgetting final {
 public:
  static constexpr Duration sweep_every = std::chrono::minutes(10);

  Forgetting(async::Runtime& runtime, store::Database& database, Remembering remembering,
             log::Logger log)
      : runtime_(runtime), database_(database), remembering_(remembering), log_(std::move(log)) {}

  // Until its scope is cancelled; goes on when a sweep failed.
  Task<void> run();

  const InboxStatus& status() const noexcept { return status_; }

 private:
  Task<void> sweep();
  Task<bool> move_clock();
  Task<void> forget();
  Task<std::int64_t> count_marks(Timestamp from, Timestamp to);

  async::Runtime& runtime_;
  store::Database& database_;
  Remembering remembering_;
  log::Logger log_;
  std::optional<Timestamp> clock_;  // the inbox's, as this one left it; none: it is not known
  Instant clock_at_{};              // when that was
  InboxStatus status_;
};

}  // namespace sinew::context
