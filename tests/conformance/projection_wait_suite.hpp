#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinew/store/projection_runner.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// Waiting for a view on an engine: who waited for the position of an event finds it in the view,
// and nobody waits in vain or without end.
class ProjectionWaitConformance : public Conformance {
 protected:
  // Keeps the data of each event as a row.
  class Words final : public store::Projection {
   public:
    std::string_view name() const noexcept override { return "words"; }
    Task<void> apply(store::Transaction& tx, const store::RecordedEvent& event) override {
      const std::string word(event.data.view());
      if (word == refused) throw Error(Condition::corrupt, "this word is not for the view");
      if (blocked) throw Error(Condition::unavailable, "the view is blocked");
      co_await tx.execute("INSERT INTO counted (word) VALUES (?)", {word});
    }
    std::string refused = {};
    bool blocked = false;
  };

  // The place of the event; an append whose outcome is unknown is repeated.
  Task<store::Checkpoint> write(std::string stream, std::string word) {
    std::vector<store::NewEvent> events(1);
    events[0].id = new_id();
    events[0].type = "word";
    events[0].data = SharedBytes(std::move(word));
    store::Checkpoint position;
    co_await insist([&](store::Transaction& tx) -> Task<void> {
      position =
          (co_await db().event_log().append(tx, stream, store::ExpectedVersion::any(), events))
              .position;
    });
    co_return position;
  }

  Task<bool> view_has(std::string word) {
    co_return co_await db().read([&](store::Transaction& tx) -> Task<bool> {
      co_return !(co_await tx.execute("SELECT word FROM counted WHERE word = ?", {word})).empty();
    });
  }

  // Runs a projection beside `work`, until that is done.
  static Task<void> beside(store::ProjectionRunner& runner, Task<void> work) {
    async::Scope scope(co_await async::this_context());
    scope.spawn(runner.run());
    co_await work;
    scope.cancel();
    co_await scope.join();
  }
  void run_beside(store::ProjectionRunner& runner, std::function<Task<void>()> work) {
    run([&] { return beside(runner, work()); });
  }

  static Task<void> until(std::function<bool()> holds) {
    while (!holds())
      co_await async::sleep_for(std::chrono::milliseconds(10));
  }

  struct Refusal {
    Condition condition{};
    std::string detail;
    Duration after{};
  };
  // What the wait ends with, and when; none when it ends well.
  Task<std::optional<Refusal>> refusal(store::ProjectionRunner& runner, store::Checkpoint position,
                                       Duration patience) {
    const Instant began = runtime().now();
    try {
      co_await runner.reached(position, patience);
      co_return std::nullopt;
    } catch (const Error& error) {
      co_return Refusal{error.condition(), error.detail(), runtime().now() - began};
    }
  }
};

}  // namespace sinew::conformance
