#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/messaging/consumer_attempt.hpp"
#include "sinew/store/inbox.hpp"

// What a consumer does with one message that it has in hand.
namespace sinew::messaging {
namespace {

constexpr const char* outbox_full = "outbox_full";  // the reason that judge() gives
constexpr Duration longest_pause_while_outbox_full = std::chrono::seconds(30);

Outcome outcome_of(const Failure& failure) {
  switch (failure.verdict) {
    case Verdict::park: return {Outcome::What::parked, failure.reason};
    case Verdict::postpone: return {Outcome::What::postponed, failure.reason};
    default: return {Outcome::What::retried, failure.reason};
  }
}

}  // namespace

Task<Outcome> Consumer::handle_or_keep(const Work& work) {
  const Handled handled = co_await handle(work);
  if (const auto* done = std::get_if<Outcome::What>(&handled)) co_return Outcome{*done};
  co_return co_await keep(work, std::get<Failure>(handled));
}

Incoming Consumer::incoming(const Work& work) const {
  return {work.message, work.entry ? work.entry->attempts + 1 : 1, settings_.source.source,
          settings_.name};
}

// Without middleware, the handling itself.
Task<Outcome> Consumer::deliver(const Work& work) {
  return settings_.middleware.delivery.empty() ? handle_or_keep(work) : deliver_through(work);
}

Task<Outcome> Consumer::deliver_through(const Work& work) {
  class Delivery final : public Passage<DeliveryMiddleware> {
   public:
    Delivery(Consumer& consumer, const Work& delivered)
        : Passage(consumer.settings_.middleware.delivery), consumer_(consumer), work_(delivered) {}

   private:
    Task<Passed<DeliveryMiddleware>> enter(DeliveryMiddleware& place,
                                           Next<DeliveryMiddleware> next) override {
      return place.around(consumer_.incoming(work_), next);
    }
    Task<Outcome> innermost() override { return consumer_.handle_or_keep(work_); }
    Consumer& consumer_;
    const Work& work_;
  };
  Delivery passage(*this, work);
  std::exception_ptr failure;
  try {
    co_await passage.run();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && passage.result()) log_late_failure(work, failure);
  if (passage.result()) co_return *passage.result();
  if (passage.begun()) std::rethrow_exception(failure);
  co_return co_await keep(
      work, judge(failure, incoming(work).attempt, max_immediate_conflicts, settings_.retry));
}

Task<void> Consumer::call_handler(Attempt& attempt) {
  return settings_.middleware.attempt.empty() ? handler_.handle(attempt) : call_through(attempt);
}

Task<void> Consumer::call_through(Attempt& attempt) {
  class Call final : public Passage<AttemptMiddleware> {
   public:
    Call(Consumer& consumer, Attempt& called)
        : Passage(consumer.settings_.middleware.attempt), consumer_(consumer), attempt_(called) {}

   private:
    Task<Passed<AttemptMiddleware>> enter(AttemptMiddleware& place,
                                          Next<AttemptMiddleware> next) override {
      return place.around(consumer_.incoming(attempt_.work()), next);
    }
    Task<Nothing> innermost() override {
      co_await consumer_.handler_.handle(attempt_);
      co_await attempt_.commit_if_open();
      co_return Nothing{};
    }
    Consumer& consumer_;
    Attempt& attempt_;
  };
  Call passage(*this, attempt);
  co_await passage.run();
}

// Handles a message that may be the one that ended the process: the count of its starts is durable
// before, and goes when the process survived.
Task<Outcome> Consumer::handle_suspect(const Work& work) {
  --suspects_;
  Outcome outcome;
  std::exception_ptr failure;
  try {
    const std::int32_t starts = co_await database_.transaction(
        [&](store::Transaction& tx) { return backlog_.count_start(tx, work.message); });
    if (starts < settings_.max_crashes) {
      outcome = co_await deliver(work);
    } else {
      outcome = co_await keep(
          work, {Verdict::park, "crashed", "the process ended each time that this was handled"});
    }
  } catch (...) {
    failure = std::current_exception();
  }
  co_await forget_start(work);
  if (failure) std::rethrow_exception(failure);
  co_return outcome;
}

// What a handler asks of others belongs to the trace of the message.
Task<void> Consumer::under_trace(const event::Envelope& message, Task<void> handling) {
  const Instant deadline = runtime_.now() + settings_.timeout;
  const auto sender = TraceContext::parse(message.lineage.traceparent, "");
  if (!sender) {
    co_await async::with_deadline(deadline, std::move(handling));
    co_return;
  }
  const TraceContext own = sender->child(runtime_.random());
  co_await async::with_trace(own, async::with_deadline(deadline, std::move(handling)));
}

Task<Consumer::Handled> Consumer::handle(const Work& work) {
  const std::int32_t number = work.entry ? work.entry->attempts + 1 : 1;
  const std::string key = Backlog::key_of(work.message);
  for (std::int32_t conflicts = 0;; ++conflicts) {
    if (!work.entry && co_await may_be_blocked(key)) {
      if (const auto queued = co_await queued_behind(work)) co_return *queued;
    }
    if (work.message.lineage.hops > settings_.max_hops) {
      co_return Failure{Verdict::park, "hop_limit",
                        fmt::format("it is {} messages from its first cause, {} are allowed",
                                    work.message.lineage.hops, settings_.max_hops)};
    }
    Attempt attempt(*this, work, number);
    std::exception_ptr failure;
    SINEW_CRASH_POINT("consumer.before_handle");
    try {
      co_await under_trace(work.message, call_handler(attempt));
      co_await attempt.commit_if_open();
    } catch (...) {
      failure = std::current_exception();
    }
    SINEW_CRASH_POINT("consumer.after_handle");
    if (attempt.duplicate()) ++status_.duplicates;
    if (attempt.committed()) {
      if (failure) log_late_failure(work, failure);
      ++status_.handled;
      co_return attempt.duplicate() ? Outcome::What::duplicate : Outcome::What::handled;
    }
    if (attempt.behind()) remember_blocked(key);
    Failure judged = judge(failure, number, conflicts, settings_.retry);
    if (judged.verdict != Verdict::again) co_return judged;
    co_await async::yield();
  }
}

Task<Outcome> Consumer::keep(const Work& work, Failure failure) {
  if (failure.verdict == Verdict::hand_back) co_return Outcome{Outcome::What::returned};
  if (failure.verdict == Verdict::postpone) failure = bounded_postponement(work, failure);
  note(work, failure);
  remember_blocked(Backlog::key_of(work.message));
  if (work.entry) {
    co_await keep_retried(work, failure);
  } else {
    co_await keep_fresh(work, failure);
  }
  backlog_changed_.set();
  co_return outcome_of(failure);
}

// A full outbox is asked more and more seldom, so that many messages that wait for it do not hold
// up the rest.
Failure Consumer::bounded_postponement(const Work& work, const Failure& failure) const {
  if (!work.entry || !work.entry->postponed_since) return failure;
  const Duration since = runtime_.wall_now() - *work.entry->postponed_since;
  if (since >= settings_.retry.max_postponed) {
    return {Verdict::park, "postponed_too_long", failure.error};
  }
  Failure bounded = failure;
  if (failure.reason == outbox_full) {
    bounded.delay = std::clamp(since, failure.delay, longest_pause_while_outbox_full);
  }
  return bounded;
}

Task<void> Consumer::keep_fresh(const Work& work, const Failure& failure) {
  BacklogEntry entry;
  entry.sequence = runtime_.new_id();
  entry.key = Backlog::key_of(work.message);
  entry.message = work.message;
  entry.attempts = failure.verdict == Verdict::postpone ? 0 : 1;
  entry.arrived_at = entry.not_before = runtime_.wall_now();
  entry.first_error = entry.last_error = failure.error;
  if (failure.verdict == Verdict::park) {
    entry.state = BacklogState::parked;
    entry.reason = failure.reason;
  } else if (failure.verdict == Verdict::postpone) {
    entry.postponed_since = entry.arrived_at;
    entry.not_before = later(failure.delay);
  } else {
    entry.not_before = later(retry_delay(settings_.retry, 2, runtime_.random()));
  }
  const bool added = co_await database_.transaction([&](store::Transaction& tx) -> Task<bool> {
    if (!co_await store::Inbox::mark(tx, settings_.name, entry.message.source, entry.message.id)) {
      co_return false;
    }
    BacklogEntry row = entry;
    if (co_await backlog_.has_key(tx, row.key)) row.state = BacklogState::behind;
    co_await backlog_.add(tx, std::move(row));
    co_return true;
  });
  status_.backlog += added ? 1 : 0;
}

Task<void> Consumer::keep_retried(const Work& work, const Failure& failure) {
  const Uuid sequence = work.entry->sequence;
  const Timestamp again =
      later(failure.verdict == Verdict::postpone
                ? failure.delay
                : retry_delay(settings_.retry, work.entry->attempts + 2, runtime_.random()));
  co_await database_.transaction([&](store::Transaction& tx) -> Task<void> {
    if (failure.verdict == Verdict::park) {
      co_await backlog_.park(tx, sequence, failure.reason, failure.error);
    } else if (failure.verdict == Verdict::postpone) {
      co_await backlog_.postpone(tx, sequence, again, runtime_.wall_now(), failure.error);
    } else {
      co_await backlog_.reschedule(tx, sequence, again, failure.error);
    }
  });
}

Timestamp Consumer::later(Duration delay) const {
  return runtime_.wall_now() + std::chrono::duration_cast<std::chrono::microseconds>(delay);
}

void Consumer::note(const Work& work, const Failure& failure) {
  if (failure.verdict == Verdict::postpone) {
    ++status_.postponed;
    return;
  }
  ++status_.failed;
  status_.parked += failure.verdict == Verdict::park ? 1 : 0;
  log_.warn(failure.verdict == Verdict::park ? "message parked" : "message to be tried again",
            {{"type", work.message.type},
             {"id", to_string(work.message.id)},
             {"key", work.message.ordering_key},
             {"reason", failure.reason},
             {"error", failure.error}});
}

// The message is done: whoever threw this cannot change that any more.
void Consumer::log_late_failure(const Work& work, const std::exception_ptr& failure) {
  log_.warn("a handler or middleware failed after its message was done",
            {{"type", work.message.type},
             {"id", to_string(work.message.id)},
             {"error", judge(failure, 1, 0, settings_.retry).error}});
}

}  // namespace sinew::messaging
