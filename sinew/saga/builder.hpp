#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/saga/definition.hpp"
#include "sinew/saga/machine.hpp"

namespace sinew::saga {

struct Version {
  std::int32_t number = 1;
};

// ask<Command>(make, take): sends the Command that make(const Data&) gives; take(Data&, const
// Command::Reply&) puts the reply into the data.
template <event::TypedCommand C, class Make, class Take>
struct Ask {
  Make make;
  Take take;
};
template <event::TypedCommand C, class Make, class Take>
Ask<C, Make, Take> ask(Make make, Take take) {
  return {std::move(make), std::move(take)};
}
// ... when the reply says no more than "done".
template <event::TypedCommand C, class Make>
auto ask(Make make) {
  return ask<C>(std::move(make), [](auto&, const typename C::Reply&) {});
}

// local(f): Task<void> f(Transaction&, Data&), in the transaction of the transition; or
// f(Transaction&, Data&, const Instance&), which knows the lineage and, undoing, the reason.
template <class F>
struct Local {
  F function;
};
template <class F>
Local<F> local(F function) {
  return {std::move(function)};
}

// Describes a saga over Data, a described struct that is kept as JSON in the saga's row:
//
//   return define<PlaceOrderData>("place-order", Version{1})
//       .step("reserve-stock", ask<inventory::Reserve>(reserve))
//       .compensate(ask<inventory::Release>(release))
//       .pivot("book-shipment", ask<fulfillment::Book>(book)).timeout(30s)
//       .step("confirm", local(confirm)).retry_forever();
template <class Data>
class Builder {
 public:
  Builder(std::string name, Version version) {
    definition_.name = std::move(name);
    definition_.version = version.number;
    definition_.check_data = [](const Json& data) {
      return to_json(from_json<Data>(data, ReadMode::strict));
    };
  }

  // A compensatable step; a retriable one after the pivot.
  template <class W>
  Builder& step(std::string name, W work) {
    return add(std::move(name), after_pivot_ ? StepKind::retriable : StepKind::compensatable,
               to_work(std::move(work)));
  }
  // A step with nothing to do but its compensation.
  Builder& step(std::string name) { return add(std::move(name), StepKind::compensatable, {}); }
  template <class W>
  Builder& pivot(std::string name, W work) {
    after_pivot_ = true;
    return add(std::move(name), StepKind::pivot, to_work(std::move(work)));
  }

  // All of these belong to the step before them.
  template <class W>
  Builder& compensate(W work) {
    last().compensation = to_work(std::move(work));
    return *this;
  }
  Builder& timeout(Duration timeout) {
    last().timeout = timeout;
    return *this;
  }
  Builder& retry(messaging::RetrySettings settings) {
    last().retry = settings;
    return *this;
  }
  Builder& retry_forever() {
    last().retry.max_attempts = forever;
    return *this;
  }

  // Live instances of an older version can go on in this one, when an operator says so: its steps
  // in their order, each with its counterpart here or "", and what its data lacks. `lift` is pure.
  Builder& takes_over(Version older, std::vector<Takeover::StepChange> steps,
                      std::function<JsonObject(JsonObject)> lift = {}) {
    definition_.takeovers.push_back({older.number, std::move(steps), std::move(lift)});
    return *this;
  }

  operator Definition() const { return definition_; }  // NOLINT: the end of the sentence

 private:
  Step& last() { return definition_.steps.back(); }

  Builder& add(std::string name, StepKind kind, Work action) {
    Step step;
    step.name = std::move(name);
    step.kind = kind;
    step.action = std::move(action);
    if (kind == StepKind::retriable) step.retry.max_attempts = forever;
    definition_.steps.push_back(std::move(step));
    return *this;
  }

  template <class C, class Make, class Take>
  static Work to_work(Ask<C, Make, Take> ask) {
    Work work;
    work.command = [make = std::move(ask.make)](const Json& data) {
      return Command{std::string(C::type.name), C::type.version,
                     to_json(make(from_json<Data>(data)))};
    };
    work.take_reply = [take = std::move(ask.take)](const Json& json, const Json& reply) {
      Data data = from_json<Data>(json);
      take(data, from_json<typename C::Reply>(reply));
      return to_json(data);
    };
    return work;
  }

  template <class F>
  static Work to_work(Local<F> local) {
    Work work;
    work.local = [function = std::move(local.function)](store::Transaction& tx,
                                                        const Instance& instance) -> Task<Json> {
      Data data = from_json<Data>(instance.data);
      if constexpr (std::is_invocable_v<const F&, store::Transaction&, Data&, const Instance&>) {
        co_await function(tx, data, instance);
      } else {
        co_await function(tx, data);
      }
      co_return to_json(data);
    };
    return work;
  }

  Definition definition_;
  bool after_pivot_ = false;
};

template <class Data>
Builder<Data> define(std::string name, Version version) {
  return Builder<Data>(std::move(name), version);
}

}  // namespace sinew::saga
