#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/messaging/reply.hpp"
#include "sinew/sim/payload.hpp"
#include "sinew/store/aggregate.hpp"

// Tests of aggregates: given what happened, when something is decided, then this follows.
//
//   sim::given<Order>({placed(), Confirmed{}})
//       .when(&Order::ship, date)
//       .then(Shipped{date});
//   sim::given<Order>({placed(),
//   Rejected{}}).when(&Order::confirm).then_refused(Condition::conflict);
//
// Nothing but the aggregate takes part: no database, no runtime.
namespace sinew::sim {

// Why a decision gave no events.
struct Refusal {
  std::optional<Condition> condition;  // of the Error it threw; none: it answered with a code
  std::string code;                    // of a messaging::Rejection
  std::string detail;
};

namespace detail {

store::RecordedEvent recorded(const std::string& stream, const Payload& event,
                              std::int64_t version);
std::vector<Payload> payloads_of(const std::vector<store::PendingEvent>& pending,
                                 std::size_t first);

// What the last decision came to, and what is said of it.
struct Decision {
  std::vector<Payload> events;
  std::optional<Refusal> refusal;

  void expect_events(const std::vector<Payload>& expected, const std::source_location& where) const;
  void expect_refused(Condition condition, std::string_view says,
                      const std::source_location& where) const;
  void expect_refused(std::string_view code, const std::source_location& where) const;
};

}  // namespace detail

template <store::AggregateState State>
class AggregateTest {
 public:
  using Where = std::source_location;

  // Throws what Aggregate::replay throws of `past`.
  AggregateTest(const Payloads& past, event::Upcasters upcasters)
      : upcasters_(std::move(upcasters)) {
    for (const Payload& event : past.all())
      read_back_.replay(next(event), upcasters_);
    aggregate_ = read_back_;
  }

  // Decides. `decide` is a function of the state (a member of it, say), of the whole Aggregate, or
  // of the arguments alone; it gives an event, an optional one, a vector, a variant of events and
  // messaging::Rejection, or nothing when it raises the events itself. What it gives is raised, and
  // read back; throws what Aggregate::replay throws of it.
  template <class F, class... Arguments>
  AggregateTest& when(F decide, const Arguments&... arguments) {
    const std::size_t before = aggregate_.pending().size();
    decision_ = {};
    try {
      if constexpr (std::is_invocable_v<F&, const State&, const Arguments&...>) {
        run([&] { return std::invoke(decide, aggregate_.state(), arguments...); });
      } else if constexpr (std::is_invocable_v<F&, store::Aggregate<State>&, const Arguments&...>) {
        run([&] { return std::invoke(decide, aggregate_, arguments...); });
      } else {
        run([&] { return std::invoke(decide, arguments...); });
      }
    } catch (const Error& error) {
      decision_.refusal = Refusal{error.condition(), "", error.detail()};
    }
    decision_.events = detail::payloads_of(aggregate_.pending(), before);
    for (const Payload& event : decision_.events)
      read_back_.replay(next(event), upcasters_);
    return *this;
  }

  // These events follow, in this order, and no others.
  AggregateTest& then(const Payloads& expected, const Where& where = Where::current()) {
    decision_.expect_events(expected.all(), where);
    return *this;
  }
  // Nothing happens: the fact stands already.
  AggregateTest& then_nothing(const Where& where = Where::current()) { return then({}, where); }
  // It throws an Error of that condition, whose detail has `says` in it.
  AggregateTest& then_refused(Condition condition, std::string_view says = {},
                              const Where& where = Where::current()) {
    decision_.expect_refused(condition, says, where);
    return *this;
  }
  // It answers no, with this code.
  AggregateTest& then_refused(std::string_view code, const Where& where = Where::current()) {
    decision_.expect_refused(code, where);
    return *this;
  }

  // As read back from the events so far.
  const State& state() const noexcept { return read_back_.state(); }

 private:
  store::RecordedEvent next(const Payload& event) const {
    return detail::recorded(read_back_.stream(), event, read_back_.version() + 1);
  }

  template <class Run>
  void run(Run decide) {
    if constexpr (std::is_void_v<decltype(decide())>) {
      decide();
    } else {
      raise(decide());
    }
  }
  template <event::Typed E>
  void raise(const E& event) {
    aggregate_.raise(event);
  }
  void raise(const messaging::Rejection& no) {
    decision_.refusal = Refusal{std::nullopt, no.code, no.detail};
  }
  template <class E>
  void raise(const std::optional<E>& event) {
    if (event) raise(*event);
  }
  template <class... E>
  void raise(const std::variant<E...>& one) {
    std::visit([this](const auto& event) { this->raise(event); }, one);
  }
  template <std::ranges::range R>
  void raise(const R& events) {
    for (const auto& event : events)
      raise(event);
  }

  event::Upcasters upcasters_;
  store::Aggregate<State> aggregate_{"1"};
  store::Aggregate<State> read_back_{"1"};
  detail::Decision decision_;
};

// An aggregate with this history, also of older versions where `upcasters` lift them.
template <store::AggregateState State>
AggregateTest<State> given(const Payloads& past = {}, event::Upcasters upcasters = {}) {
  return AggregateTest<State>(past, std::move(upcasters));
}

}  // namespace sinew::sim
