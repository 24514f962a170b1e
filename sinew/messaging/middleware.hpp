#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::messaging {

// What surrounds the handlers of a consumer, in three places whose order is fixed. From the outside
// in, with what the consumer itself does between them:
//
//   DeliveryMiddleware     each time a message is taken in hand, and what became of it
//     keys that wait, hop limit, conflicts repeated; a failure is retried, postponed or parked
//     AttemptMiddleware    each call of the handler, within the consumer's deadline and the trace
//       the handler, its commit()
//         inbox mark
//         TransactionMiddleware   in the transaction of the effect
//           the effect
//
// What a middleware is derived from is its place, so none can be put into a wrong one. Within a
// place the first that was registered is the outermost. None can swallow a message: around() must
// return a Passed, which only next() gives, after everything further in has succeeded. So what it
// can do is let the message pass, or throw, which means what it means when a handler throws it (see
// Handler): Refused and Postponed are such outcomes, for handlers as well.
//
// A middleware lives as long as its consumer, on its worker, and serves many messages at a time.

// The message that a middleware sees. Lives as long as around().
struct Incoming {
  const event::Envelope& message;
  std::int32_t attempt;              // from 1; the one under way or about to be
  const store::Destination& source;  // the queue or topic
  const std::string& consumer;
};

// What became of a message that was taken in hand.
struct Outcome {
  enum class What : std::uint8_t {
    handled,    // its effect is committed
    duplicate,  // the inbox knew it: no effect
    behind,     // lined up behind an earlier message of its key
    retried,    // failed, to be tried again
    postponed,  // to be tried later, without blame
    parked,     // set aside for an operator
    returned,   // given back to the broker: it comes again
  };
  What what = What::handled;
  std::string reason{};  // of a message that was kept: failed, poison, exhausted_retries, ...
};
std::string_view to_string(Outcome::What what) noexcept;

// Parks the message at once, under a reason of its own: an operator can replay it. `reason` is 1 to
// 40 of [a-z0-9_]; another is Error invalid_input.
class Refused final : public Error {
 public:
  Refused(std::string reason, const std::string& detail);
  const std::string& reason() const noexcept { return reason_; }

 private:
  std::string reason_;
};

// Has the message tried again after `delay`, 1 ms to 24 h (else Error invalid_input), without
// counting an attempt; later ones of its key wait behind it. RetrySettings::max_postponed after the
// first time it is parked instead.
class Postponed final : public Error {
 public:
  static constexpr Duration longest = std::chrono::hours(24);
  Postponed(Duration delay, const std::string& detail);
  Duration delay() const noexcept { return delay_; }

 private:
  Duration delay_;
};

template <class Place>
class Passage;

// The proof that everything further in has succeeded, with what came of it.
template <class Place>
class [[nodiscard]] Passed final {
 public:
  using Result = typename Place::Result;
  Passed(Passed&&) noexcept = default;
  Passed& operator=(Passed&&) noexcept = default;
  const Result& result() const noexcept { return result_; }

 private:
  friend class Passage<Place>;
  explicit Passed(Result result) : result_(std::move(result)) {}
  Result result_;
};

// The way further in; called once. A second call throws Error invalid_input.
template <class Place>
class Next final {
 public:
  Task<Passed<Place>> operator()() const { return passage_->from(index_); }

 private:
  friend class Passage<Place>;
  Next(Passage<Place>& passage, std::size_t index) : passage_(&passage), index_(index) {}
  Passage<Place>* passage_;
  std::size_t index_;
};

struct Nothing {};

// For what sees each message and how it ends: metrics, a log of messages, a limit to their rate,
// which may wait as long as it likes. Before next() the message is untouched; what it throws then
// counts as the handler's failure. What next() throws means that the message comes again. After
// next() the outcome stands, and what it throws is logged only.
class DeliveryMiddleware {
 public:
  using Result = Outcome;
  using Passed = messaging::Passed<DeliveryMiddleware>;
  using Next = messaging::Next<DeliveryMiddleware>;
  virtual Task<Passed> around(Incoming incoming, Next next) = 0;

 protected:
  ~DeliveryMiddleware() = default;
};

// For what decides whether and how the handler runs: who may send what, a shorter deadline, how
// many at a time. Bounded by ConsumerSettings::timeout. next() returns when the message is
// committed, and throws what the handler threw: a middleware may throw another error instead, but
// not make it succeed. What it throws after next() returned is logged only.
class AttemptMiddleware {
 public:
  using Result = Nothing;
  using Passed = messaging::Passed<AttemptMiddleware>;
  using Next = messaging::Next<AttemptMiddleware>;
  virtual Task<Passed> around(Incoming incoming, Next next) = 0;

 protected:
  ~AttemptMiddleware() = default;
};

// For what must stand or fall with the effect: rows that say who did what, the tenant of a session.
// Runs behind the inbox mark, once for each message in effect (a command that a lock stashed:
// once when it is stashed, once when it runs), also for those that nobody handles. What it throws,
// before or after next(), takes everything back. It awaits nothing but the transaction.
class TransactionMiddleware {
 public:
  using Result = Nothing;
  using Passed = messaging::Passed<TransactionMiddleware>;
  using Next = messaging::Next<TransactionMiddleware>;
  virtual Task<Passed> around(Incoming incoming, store::Transaction& transaction, Next next) = 0;

 protected:
  ~TransactionMiddleware() = default;
};

// A class that has its place, one.
template <class M>
concept Middleware =
    std::derived_from<M, DeliveryMiddleware> + std::derived_from<M, AttemptMiddleware> +
        std::derived_from<M, TransactionMiddleware> ==
    1;

// What a consumer was given; they outlive it. The first of a place is the outermost.
struct Middlewares {
  std::vector<DeliveryMiddleware*> delivery{};
  std::vector<AttemptMiddleware*> attempt{};
  std::vector<TransactionMiddleware*> transaction{};

  template <Middleware M>
  void add(M& middleware) {
    if constexpr (std::derived_from<M, DeliveryMiddleware>) delivery.push_back(&middleware);
    if constexpr (std::derived_from<M, AttemptMiddleware>) attempt.push_back(&middleware);
    if constexpr (std::derived_from<M, TransactionMiddleware>) transaction.push_back(&middleware);
  }
};

// For the consumer: one message's way through the middleware of a place, to what lies behind it.
template <class Place>
class Passage {
 public:
  using Result = typename Place::Result;
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  Task<void> run() { [[maybe_unused]] const auto passed = co_await from(0); }
  // What lies behind was begun; has come to its end.
  bool begun() const noexcept { return entered_ > places_.size(); }
  const std::optional<Result>& result() const noexcept { return result_; }

 protected:
  explicit Passage(std::span<Place* const> places) : places_(places) {}
  ~Passage() = default;

 private:
  friend class Next<Place>;
  virtual Task<Passed<Place>> enter(Place& place, Next<Place> next) = 0;
  virtual Task<Result> innermost() = 0;

  // The result is its own, whatever message the Passed that comes back belonged to.
  Task<Passed<Place>> from(std::size_t index) {
    if (entered_ > index) {
      throw Error(Condition::invalid_input, "a middleware lets its message pass twice");
    }
    entered_ = index + 1;
    if (index == places_.size()) {
      result_ = co_await innermost();
    } else {
      [[maybe_unused]] const auto passed =
          co_await enter(*places_[index], Next<Place>(*this, index + 1));
    }
    if (!result_) throw Error(Condition::invalid_input, "a middleware swallowed its message");
    co_return Passed<Place>(*result_);
  }

  std::span<Place* const> places_;
  std::size_t entered_ = 0;
  std::optional<Result> result_;
};

}  // namespace sinew::messaging
