#pragma once

#include <span>

#include "sinew/base/error.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/store/inbox.hpp"

namespace sinew::messaging {

// One try of one message. The mark that it is done is the inbox row of a fresh message, and the
// disappearance of the row of a retried one.
class Consumer::Attempt final : public Handling {
 public:
  Attempt(Consumer& consumer, const Work& work, std::int32_t number)
      : consumer_(consumer), work_(work), number_(number) {}

  const event::Envelope& message() const noexcept override { return work_.message; }
  std::int32_t attempt() const noexcept override { return number_; }
  const Work& work() const noexcept { return work_; }
  // For a handler that did not.
  Task<void> commit_if_open() {
    if (!committed_) co_await commit([](store::Transaction&) -> Task<void> { co_return; });
  }
  bool committed() const noexcept { return committed_; }
  bool duplicate() const noexcept { return duplicate_; }
  bool behind() const noexcept { return behind_; }

 private:
  Task<bool> commit_body(Body& body) override {
    if (committed_) {
      throw Error(Condition::invalid_input, "a handler commits its message once");
    }
    duplicate_ = !co_await consumer_.database_.transaction(
        [this, &body](store::Transaction& tx) -> Task<bool> {
          co_await check_turn(tx);
          if (!co_await mark(tx)) co_return false;
          co_await effect(tx, body);
          co_return true;
        });
    committed_ = true;
    co_return !duplicate_;
  }

  // Without middleware, the effect itself.
  Task<void> effect(store::Transaction& tx, Body& body) {
    const auto& middlewares = consumer_.settings_.middleware.transaction;
    return middlewares.empty() ? body.run(tx) : through(middlewares, tx, body);
  }
  Task<void> through(std::span<TransactionMiddleware* const> middlewares, store::Transaction& tx,
                     Body& body) {
    class Effect final : public Passage<TransactionMiddleware> {
     public:
      Effect(std::span<TransactionMiddleware* const> places, const Attempt& attempt,
             store::Transaction& transaction, Body& effect)
          : Passage(places), attempt_(attempt), tx_(transaction), body_(effect) {}

     private:
      Task<Passed<TransactionMiddleware>> enter(TransactionMiddleware& place,
                                                Next<TransactionMiddleware> next) override {
        return place.around(attempt_.consumer_.incoming(attempt_.work_), tx_, next);
      }
      Task<Nothing> innermost() override {
        co_await body_.run(tx_);
        co_return Nothing{};
      }
      const Attempt& attempt_;
      store::Transaction& tx_;
      Body& body_;
    };
    Effect passage(middlewares, *this, tx, body);
    co_await passage.run();
  }

  // The key may have been blocked by another host of the same context.
  Task<void> check_turn(store::Transaction& tx) {
    behind_ =
        !work_.entry && co_await consumer_.backlog_.has_key(tx, Backlog::key_of(work_.message));
    if (behind_) throw Error(Condition::conflict, "an earlier message of its key is not done");
  }

  Task<bool> mark(store::Transaction& tx) {
    if (work_.entry) {
      return consumer_.backlog_.remove(tx, work_.entry->sequence, consumer_.runtime_.wall_now());
    }
    return store::Inbox::mark(tx, consumer_.settings_.name, work_.message.source, work_.message.id);
  }

  Consumer& consumer_;
  const Work& work_;
  std::int32_t number_;
  bool committed_ = false;
  bool duplicate_ = false;
  bool behind_ = false;
};

}  // namespace sinew::messaging
