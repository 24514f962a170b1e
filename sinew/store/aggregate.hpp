#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/personal.hpp"
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
//
// One with a long history takes part in snapshots by a described state and the version of its
// schema, which changes whenever the members, their meaning or what apply() makes of an event do:
//
//   static constexpr std::int32_t state_version = 1;
//
// One whose events have personal members (event::personal) and that takes part in snapshots says
// whose its state holds; a snapshot is sealed as a whole, and none once that person is forgotten:
//
//   std::string personal_subject() const;  // empty: nobody's yet
namespace sinew::store {

template <class... Events>
struct EventTypes {};

template <class S>
concept AggregateState = std::default_initializable<S> && requires {
  { S::category } -> std::convertible_to<std::string_view>;
  typename S::Events;
};

template <class S>
concept SnapshotState = AggregateState<S> && requires(const S& state, const Json& json) {
  { S::state_version } -> std::convertible_to<std::int32_t>;
  { to_json(state) } -> std::same_as<Json>;
  { from_json<S>(json) } -> std::same_as<S>;
};

template <class S>
concept PersonalState = requires(const S& state) {
  { state.personal_subject() } -> std::convertible_to<std::string>;
};

// When a Repository keeps a snapshot: each time a stream passes a multiple of so many events.
struct SnapshotPolicy {
  static constexpr std::int64_t most = 1'000'000;
  std::int64_t every = 0;  // 1 to most; 0: never
};

// Of a Repository since it was made. Bodies that run again count again.
struct SnapshotCounts {
  std::uint64_t saved = 0;
  std::uint64_t used = 0;
  std::uint64_t ignored = 0;  // of another state version, or not to be read
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
// Throws Error invalid_input when personal members of the type would be kept in plain text.
void check_sealed(const EventLog& log, std::string_view type);

template <class E>
void check_event(const EventLog& log) {
  if constexpr (event::Personal<E>) check_sealed(log, E::type.name);
}
template <class... E>
void check_events(const EventLog& log, EventTypes<E...>) {
  (check_event<E>(log), ...);
}
template <class... E>
constexpr bool has_personal(EventTypes<E...>) {
  return (event::Personal<E> || ...);
}

// Throws Error invalid_input.
void check_policy(const SnapshotPolicy& policy);
// Whether an append took a stream from version `from` past a multiple of `every` events.
bool passes(const SnapshotPolicy& policy, std::int64_t from, const Appended& appended);
// What is to be read of a snapshot's state; nothing for one that is to be ignored, which is logged.
std::optional<Json> usable_state(const Snapshot& snapshot, std::int32_t state_version,
                                 const std::string& stream);
void report_unreadable(const std::string& stream, const Error& error);

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
  // As it was after its event `version`.
  Aggregate(std::string id, State state, std::int64_t version)
      : id_(std::move(id)), state_(std::move(state)), version_(version) {}

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
  // Throws Error invalid_input when an event has personal members and the log seals none.
  explicit Repository(EventLog& log, event::Upcasters upcasters = {})
      : log_(log), upcasters_(std::move(upcasters)) {
    detail::check_events(log, typename State::Events());
  }
  // With snapshots, in the transactions of append(). Throws Error invalid_input as well for a
  // policy out of range.
  Repository(EventLog& log, event::Upcasters upcasters, SnapshotPolicy policy)
    requires SnapshotState<State>
      : Repository(log, std::move(upcasters)) {
    static_assert(PersonalState<State> || !detail::has_personal(typename State::Events()),
                  "the events have personal members: give the state a personal_subject()");
    detail::check_policy(policy);
    policy_ = policy;
  }

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
    if constexpr (SnapshotState<State>) {
      if (policy_.every > 0) co_await begin_with_snapshot(transaction, aggregate, version);
    }
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
  // else they are new. `aggregate` lives until it returns. Errors: conflict (load again and decide
  // anew), invalid_input.
  Task<Appended> append(Transaction& transaction, const Aggregate<State>& aggregate,
                        event::Lineage lineage = {}) const {
    const Appended appended =
        co_await detail::append_pending(log_, transaction, aggregate.stream(), aggregate.version(),
                                        aggregate.pending(), std::move(lineage));
    if constexpr (SnapshotState<State>) {
      if (detail::passes(policy_, aggregate.version(), appended)) {
        co_await save_snapshot(transaction, aggregate, appended.stream_version);
      }
    }
    co_return appended;
  }

  // What append() would store, which must be something: a part of EventLog::append_all, for several
  // aggregates that change together or not at all. Their snapshots wait for a later append().
  Task<StreamAppend> to_append(const Aggregate<State>& aggregate,
                               event::Lineage lineage = {}) const {
    return detail::make_append(aggregate.stream(), aggregate.version(), aggregate.pending(),
                               std::move(lineage));
  }

  const SnapshotCounts& snapshots() const noexcept { return counts_; }

 private:
  Task<void> begin_with_snapshot(Transaction& transaction, Aggregate<State>& aggregate,
                                 std::int64_t version) const {
    const auto snapshot = co_await log_.find_snapshot(transaction, aggregate.stream());
    if (!snapshot || snapshot->stream_version > version) co_return;
    const auto state = detail::usable_state(*snapshot, State::state_version, aggregate.stream());
    if (state) {
      try {
        aggregate =
            Aggregate<State>(aggregate.id(), from_json<State>(*state), snapshot->stream_version);
        ++counts_.used;
        co_return;
      } catch (const Error& error) {
        detail::report_unreadable(aggregate.stream(), error);
      }
    }
    ++counts_.ignored;
  }

  Task<void> save_snapshot(Transaction& transaction, const Aggregate<State>& aggregate,
                           std::int64_t version) const {
    SharedBytes state(to_text(to_json(aggregate.state())));
    if (state.size() > event::Envelope::max_data_bytes) co_return;
    Snapshot snapshot{version, State::state_version, std::move(state)};
    if constexpr (PersonalState<State>) snapshot.subject = aggregate.state().personal_subject();
    co_await log_.save_snapshot(transaction, aggregate.stream(), std::move(snapshot));
    ++counts_.saved;
  }

  EventLog& log_;
  event::Upcasters upcasters_;
  SnapshotPolicy policy_;
  mutable SnapshotCounts counts_;
};

}  // namespace sinew::store
