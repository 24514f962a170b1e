#pragma once

#include <memory>
#include <string>
#include <utility>

#include "sinew/async/future.hpp"
#include "sinew/async/portal.hpp"
#include "sinew/context/context.hpp"

namespace sinew::context {

// The way into a running context for threads that are no workers. From Host::entrance(); cheap to
// copy, usable from any thread and for ever: while the context is not running, calls are refused.
//
//   Entrance sales = host.entrance("sales");
//   const Uuid id = sales.publish(OrderImported{...}, "order 7").get(5s);
//
// Every call gives a Future, or takes a callback as its last argument: done(async::Outcome<T>),
// once, on the context's worker, where it must neither block nor throw
// (async::ForeignLoop::answered makes one that runs elsewhere). The result is there after the
// commit, so what it says is durable.
//
// Errors of the call itself, without effect: exhausted (ContextSettings::entrance_capacity calls
// are under way; try again later), unavailable (the context has not started, or drains). What is
// under way at a drain is finished; what is not over at the end of its patience ends with
// cancelled, applied as its error says. A future's get() also throws timeout, see Progress::wait.
class Entrance {
 public:
  const std::string& name() const noexcept { return name_; }

  // Publishes an event of this context in a transaction of its own, ordered by `key`; gives its id.
  // Who does not hear the outcome may publish again under the same id: consumers take one of both.
  // Errors: invalid_input (another context's event, no key, data too large), unsupported (no codec
  // for the encoding of its type), exhausted (the outbox is full).
  template <event::Typed E>
  async::Future<Uuid> publish(const E& event, std::string key, Uuid id = {}) const {
    return portal_->call(publishing(event::seal(event, header(std::move(key), id), codecs_)));
  }
  template <event::Typed E, class Done>
    requires std::invocable<Done&, async::Outcome<Uuid>>
  void publish(const E& event, std::string key, Done done, Uuid id = {}) const {
    portal_->call(publishing(event::seal(event, header(std::move(key), id), codecs_)),
                  std::move(done));
  }

  // Runs body(Transaction&), which makes a Task<T>, as store::Database::transaction() does.
  template <class Body>
  auto transaction(Body body) const {
    return portal_->call([&context = context_, body = std::move(body)]() mutable {
      return context.database().transaction(std::move(body));
    });
  }
  template <class Body>
  auto read(Body body) const {
    return portal_->call([&context = context_, body = std::move(body)]() mutable {
      return context.database().read(std::move(body));
    });
  }

  // Context::ask() for another thread, with its errors.
  template <event::TypedCommand C>
  async::Future<messaging::Answer<typename C::Reply>> ask(C question, Duration timeout) const {
    return portal_->call([&context = context_, question = std::move(question), timeout]() {
      return context.ask(question, timeout);
    });
  }

  // Context::wait_for() for another thread, with its errors: a read() that follows finds the events
  // up to `position`, which a transaction() brought back from its append.
  async::Future<void> wait_for(std::string projection, store::Checkpoint position,
                               Duration patience) const {
    return portal_->call([&context = context_, projection = std::move(projection), position,
                          patience]() { return context.wait_for(projection, position, patience); });
  }

  // Runs function(), which makes a Task<T>, on the context's worker: its members may be called
  // there. `function` lives until the task has ended.
  template <class F>
  auto call(F function) const {
    return portal_->call(std::move(function));
  }
  template <class F, class Done>
  void call(F function, Done done) const {
    portal_->call(std::move(function), std::move(done));
  }

 private:
  friend class ContextRunner;
  struct Publishing {
    Task<Uuid> operator()();
    Context* context;
    event::Envelope envelope;
  };

  Entrance(std::string name, event::Codecs codecs, Context& context,
           std::shared_ptr<async::Portal> portal)
      : name_(std::move(name)),
        codecs_(std::move(codecs)),
        context_(context),
        portal_(std::move(portal)) {}

  static event::Envelope header(std::string key, Uuid id);
  // Throws Error invalid_input for an event that is not this context's own.
  Publishing publishing(event::Envelope envelope) const;

  std::string name_;
  event::Codecs codecs_;
  Context& context_;  // touched by what the portal runs only: it is alive then
  std::shared_ptr<async::Portal> portal_;
};

}  // namespace sinew::context
