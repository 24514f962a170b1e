#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/store/event_log.hpp"

// Event-sourced aggregates: state that is nothing but the sum of its events.
//
//   struct Order {
//     static constexpr std::string_view category = "order";           // of its streams
//     using Events = store::EventTypes<OrderPlaced, OrderCancelled>;  // that make it
//     void apply(const OrderPlaced& event);     // total functions: they decide nothing
//     void apply(const OrderCancelled& event);
//     ...
//   };
//
//   Aggregate<Order> order = co_await orders.load(tx, "10248");
//   if (order.state().is_open()) order.raise(OrderCancelled{...});
//   co_await orders.append(tx, order, lineage);
namespace sinew::store {

template <class... Events>
struct EventTypes {};

template <class S>
concept AggregateState = std::default_initializable<S> && requires {
  { S::category } -> std::convertible_to<std::string_view>;
  typename S::Events;
};

// An event that is not stored yet.
struct PendingEvent {
  std::string_view type;
  std::int32_t version = 1;
  SharedBytes data;
};

namespace detail {

// What the stream of an aggregate must look like; throws Error corrupt or unsupported.
void check_next(const RecordedEvent& event, std::int64_t expected_version);
[[noreturn]] void refuse_unknown(const RecordedEvent& event);

Task<StreamAppend> make_append(std::string stream, std::int64_t version,
                               std::vector<PendingEvent> pending, event::Lineage lineage);
Task<Appended> append_pending(EventLog& log, Transaction& transaction, std::string stream,
                              std::int64_t version, std::vector<PendingEvent> pending,
                              event::Lineage lineage);

template <class State, class E>
void apply_recorded(State& state, const RecordedEvent& recorded,
                    const event::Upcasters& upcasters) {
  state.apply(event::read_data<E>(recorded.type, recorded.version, recorded.data, upcasters));
}

template <class State>
struct Applier {
  std::string_view type;
  void (*apply)(State&, const RecordedEvent&, const event::Upcasters&);
};

template <class State, class... E>
constexpr auto appliers(EventTypes<E...>) {
  return std::array{Applier<State>{E::type.name, &apply_recorded<State, E>}...};
}

}  // namespace detail

// One aggregate as a transaction sees it. A value: a body that runs again starts from a fresh load,
// or from a copy.
template <AggregateState State>
class Aggregate {
 public:
  // A new one, without history.
  explicit Aggregate(std::string id) : id_(std::move(id)) {}

  const std::string& id() const noexcept { return id_; }
  std::string stream() const { return std::string(State::category) + "-" + id_; }
  const State& state() const noexcept { return state_; }
  bool exists() const noexcept { return version_ >= 0 || !pending_.empty(); }
  // Of the last stored event; -1 without one.
  std::int64_t version() const noexcept { return version_; }
  const std::vector<PendingEvent>& pending() const noexcept { return pending_; }

  // A new fact: applied at once, stored by Repository::append.
  template <event::Typed E>
  void raise(const E& event) {
    SharedBytes data = event::write_data(event);
    state_.apply(event);
    pending_.push_back({E::type.name, E::type.version, std::move(data)});
  }

  // An old fact, read back. Errors: corrupt (it is not the next of its stream), unsupported (a type
  // or version that the state does not know: a newer program wrote it).
  void replay(const RecordedEvent& recorded, const event::Upcasters& upcasters) {
    static constexpr auto appliers = detail::appliers<State>(typename State::Events());
    detail::check_next(recorded, version_ + 1);
    const auto applier = std::ranges::find(appliers, recorded.type, &detail::Applier<State>::type);
    if (applier == appliers.end()) detail::refuse_unknown(recorded);
    applier->apply(state_, recorded, upcasters);
    version_ = recorded.stream_version;
  }

 private:
  std::string id_;
  State state_{};
  std::int64_t version_ = -1;
  std::vector<PendingEvent> pending_;
};

// Loads and stores the aggregates of one kind. The log outlives it.
template <AggregateState State>
class Repository {
 public:
  explicit Repository(EventLog& log, event::Upcasters upcasters = {})
      : log_(log), upcasters_(std::move(upcasters)) {}

  // The aggregate with all its history; one that does not exist() when there is none. Errors: those
  // of Aggregate::replay and of the log.
  Task<Aggregate<State>> load(Transaction& transaction, std::string id) const {
    return load_as_of(transaction, std::move(id), std::numeric_limits<std::int64_t>::max());
  }

  // The aggregate as it was after its event `version`, from 0: what a view makes of an event, while
  // later ones stand in the log already. Errors: those of load().
  Task<Aggregate<State>> load_as_of(Transaction& transaction, std::string id,
                                    std::int64_t version) const {
    Aggregate<State> aggregate(std::move(id));
    while (aggregate.version() < version) {
      const std::int64_t next = aggregate.version() + 1;
      const auto missing = static_cast<std::uint64_t>(version - next) + 1;
      const auto limit =
          static_cast<std::size_t>(std::min<std::uint64_t>(missing, EventLog::max_read));
      const std::vector<RecordedEvent> page =
          co_await log_.read_stream(transaction, aggregate.stream(), next, limit);
      for (const RecordedEvent& recorded : page)
        aggregate.replay(recorded, upcasters_);
      if (page.size() < limit) break;
    }
    co_return aggregate;
  }

  // Stores the pending events, provided that nobody stored others since the aggregate was loaded.
  // The aggregate stays as it is: load it again for a further change. With a cause in the lineage
  // the events' ids are derived from it, so repeating the same message's work repeats its events;
  // else they are new. Errors: conflict (load again and decide anew), invalid_input.
  Task<Appended> append(Transaction& transaction, const Aggregate<State>& aggregate,
                        event::Lineage lineage = {}) const {
    return detail::append_pending(log_, transaction, aggregate.stream(), aggregate.version(),
                                  aggregate.pending(), std::move(lineage));
  }

  // What append() would store, which must be something: a part of EventLog::append_all, for several
  // aggregates that change together or not at all.
  Task<StreamAppend> to_append(const Aggregate<State>& aggregate,
                               event::Lineage lineage = {}) const {
    return detail::make_append(aggregate.stream(), aggregate.version(), aggregate.pending(),
                               std::move(lineage));
  }

 private:
  EventLog& log_;
  event::Upcasters upcasters_;
};

}  // namespace sinew::store
