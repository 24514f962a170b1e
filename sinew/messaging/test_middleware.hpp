#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sinew/messaging/middleware.hpp"
#include "sinew/messaging/test_consumer.hpp"

// Middleware whose steps a test writes.
namespace sinew::messaging::middleware_test {

using Events = std::vector<std::string>;
using Hook = std::function<Task<void>(Incoming)>;

// Each of the three notes that it was entered and left, and runs what a test gives it.
struct Hooks {
  Events* events = nullptr;
  std::string name{};
  Hook before{};
  Hook after{};

  Task<void> enter(Incoming incoming) {
    note(">", incoming);
    if (before) co_await before(incoming);
  }
  Task<void> leave(Incoming incoming) {
    note("<", incoming);
    if (after) co_await after(incoming);
  }
  void note(const char* direction, const Incoming& incoming) const {
    if (events == nullptr) return;
    events->push_back(direction + name + " " + incoming.message.subject +
                      std::to_string(incoming.attempt));
  }
};

struct Delivery final : DeliveryMiddleware {
  Hooks hooks;
  std::vector<Outcome> outcomes{};
  explicit Delivery(Hooks given = {}) : hooks(std::move(given)) {}
  Task<Passed> around(Incoming incoming, Next next) override {
    co_await hooks.enter(incoming);
    auto passed = co_await next();
    outcomes.push_back(passed.result());
    co_await hooks.leave(incoming);
    co_return passed;
  }
};

struct OfAttempt final : AttemptMiddleware {
  Hooks hooks;
  explicit OfAttempt(Hooks given = {}) : hooks(std::move(given)) {}
  Task<Passed> around(Incoming incoming, Next next) override {
    co_await hooks.enter(incoming);
    auto passed = co_await next();
    co_await hooks.leave(incoming);
    co_return passed;
  }
};

// Writes a row for each message besides, before the effect.
struct InTransaction final : TransactionMiddleware {
  Hooks hooks;
  explicit InTransaction(Hooks given = {}) : hooks(std::move(given)) {}
  Task<Passed> around(Incoming incoming, store::Transaction& tx, Next next) override {
    const std::string row = "row of " + incoming.message.subject;
    co_await tx.execute("INSERT INTO effects (name) VALUES (?)", {row});
    co_await hooks.enter(incoming);
    auto passed = co_await next();
    co_await hooks.leave(incoming);
    co_return passed;
  }
};

struct AllPlaces {
  Delivery delivery;
  OfAttempt attempt;
  InTransaction transaction;

  void add_to(ConsumerBench& bench) {
    bench.settings.middleware.add(delivery);
    bench.settings.middleware.add(attempt);
    bench.settings.middleware.add(transaction);
  }
  // By the name of its place.
  Hooks& at(const std::string& place) {
    if (place == "delivery") return delivery.hooks;
    return place == "attempt" ? attempt.hooks : transaction.hooks;
  }
};

// The next `times` times.
inline Hook failing(Condition condition, int times = 1) {
  return [condition, left = times](Incoming) mutable -> Task<void> {
    if (left-- > 0) throw Error(condition, "as the test says");
    co_return;
  };
}
template <class E>
Hook throwing(E error, int times = 1) {
  return [error, left = times](Incoming) mutable -> Task<void> {
    if (left-- > 0) throw E(error);
    co_return;
  };
}

inline Hook only(std::string subject, Hook hook) {
  return [subject, hook](Incoming incoming) -> Task<void> {
    if (incoming.message.subject == subject) co_await hook(incoming);
  };
}

inline std::vector<Outcome::What> whats(const Delivery& delivery) {
  std::vector<Outcome::What> out;
  for (const auto& outcome : delivery.outcomes)
    out.push_back(outcome.what);
  return out;
}

inline constexpr auto handled = Outcome::What::handled;
inline constexpr auto retried = Outcome::What::retried;
inline constexpr auto parked = Outcome::What::parked;
inline constexpr auto postponed = Outcome::What::postponed;
inline constexpr const char* places[] = {"delivery", "attempt", "transaction"};

}  // namespace sinew::messaging::middleware_test
