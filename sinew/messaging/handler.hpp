#pragma once

#include <cstdint>
#include <utility>

#include "sinew/async/task.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/store/database.hpp"

namespace sinew::messaging {

// One message in the hands of a handler. commit() runs the handler's effect in the one transaction
// that also writes the inbox mark (and removes the message from the retry table), so the effect
// happens once however often the message arrives.
//
// A handler that only touches its own database does everything inside commit(). One that must ask
// the world first (a payment provider) does so before commit(), with a key derived from the
// message, because that part may run again.
class Handling {
 public:
  Handling() = default;
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;

  virtual const event::Envelope& message() const noexcept = 0;
  // From 1; counts this one.
  virtual std::int32_t attempt() const noexcept = 0;

  // body: Task<void>(store::Transaction&). Called at most once a handling. Returns false, without
  // an effect, when the inbox already has the message.
  template <class Body>
  Task<bool> commit(Body body) {
    TypedBody<Body> typed(body);
    co_return co_await commit_body(typed);
  }

 protected:
  ~Handling() = default;

  class Body {
   public:
    virtual Task<void> run(store::Transaction& transaction) = 0;

   protected:
    ~Body() = default;
  };
  virtual Task<bool> commit_body(Body& body) = 0;

 private:
  template <class F>
  class TypedBody final : public Body {
   public:
    explicit TypedBody(F& function) : function_(function) {}
    Task<void> run(store::Transaction& transaction) override { co_await function_(transaction); }

   private:
    F& function_;
  };
};

// What a consumer calls for each message. When handle() returns without commit(), the consumer
// commits an empty effect: the message is done. What it throws decides what follows:
//   exhausted, unavailable, timeout, conflict, and what is no Error: a retry by the consumer's
//   policy, then parked;
//   invalid_input, unsupported, corrupt, not_found, unauthorized: parked at once, a retry cannot
//   help;
//   cancelled: returned to the broker, without blame;
//   Refused: parked at once under its reason; Postponed: tried later, uncounted (middleware.hpp).
// Later messages of the same ordering key wait behind one that waits or is parked.
class Handler {
 public:
  virtual Task<void> handle(Handling& handling) = 0;

 protected:
  ~Handler() = default;
};

}  // namespace sinew::messaging
