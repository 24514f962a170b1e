#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/async/foreign_loop.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace sinew::context {

// A context that does one thing: it has events of another context handled on a thread of the
// program, for programs that are not written as tasks.
//
//   async::ForeignLoop loop;
//   host.add(std::make_unique<Subscriber<OrderPlaced>>("labels", loop,
//       [](const OrderPlaced& order, const event::Envelope&) { print_label(order); }));
//   while (!done) { loop.wait(100ms); loop.run_posted(); }
//
// In the order of each key, from the beginning of the topic. The event counts as handled when the
// callback has returned; one that throws is called again as the retry policy says, then parked. A
// crash in between calls again as well: what must happen once is done under message.id.
template <event::Typed E>
class Subscriber final : public Context {
 public:
  using Callback = std::function<void(const E& event, const event::Envelope& message)>;

  // `name` of the context, which keeps what it has handled in a database of its own. `loop`
  // outlives the host.
  Subscriber(std::string name, async::ForeignLoop& loop, Callback callback)
      : name_(std::move(name)), loop_(loop), callback_(std::move(callback)) {}

  std::string_view name() const noexcept override { return name_; }
  void describe(ContextSpec& spec) override { spec.handles(&Subscriber::hear); }

 private:
  Task<void> hear(messaging::Handling& handling, E event) {
    co_await async::call_in(loop_, [&] { callback_(event, handling.message()); });
    co_await handling.commit([](store::Transaction&) -> Task<void> { co_return; });
  }

  std::string name_;
  async::ForeignLoop& loop_;
  Callback callback_;
};

}  // namespace sinew::context
