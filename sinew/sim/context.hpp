#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/messaging/reply.hpp"
#include "sinew/sim/payload.hpp"
#include "sinew/sim/world.hpp"

// Tests of one context, as its neighbours see it: the real context on SQLite and the embedded
// broker in virtual time, and the test is everybody else.
//
//   sim::ContextTest<Inventory> inventory;
//   inventory.given_file("receipts", receipts)
//       .when(Reserve{"1", {{11, 5}}}, "1")
//       .twice()
//       .then_replies(Reserved{"1", {{11, 5}}})
//       .then_publishes(Reserved{"1", {{11, 5}}})
//       .then_rows("SELECT free FROM stock", {{25}});
namespace sinew::sim {

// When the power goes; see at_every_power_cut().
struct PowerCut {
  std::uint64_t operation = 1;  // of the disk, from 1
  bool happened = false;
};

// What is told to a context and what is seen of it. Each when...() lets the context come to rest;
// what is expected afterwards is what it did since then. Throws Failure.
class ContextStory {
 public:
  using Where = std::source_location;

  ContextStory(World::Factory make, const WorldOptions& options);
  ContextStory(const ContextStory&) = delete;
  ContextStory& operator=(const ContextStory&) = delete;
  ~ContextStory();

  // An event of another context, or a command to this one. `key` orders it with others.
  template <event::Typed E>
  ContextStory& when(const E& message, std::string key = "1",
                     const Where& where = Where::current()) {
    return deliver(world().message(message, std::move(key)), where);
  }
  ContextStory& when_file(const std::string& kind, const std::string& content);
  // Errors: those of http::Client::send. A request whose answer was lost in a power cut is sent
  // again.
  ContextStory& when_requested(http::Method method, std::string path,
                               std::optional<Json> body = {});
  // The command that the context sent last is answered.
  template <event::Typed R>
  ContextStory& when_answered(const R& reply, const Where& where = Where::current()) {
    return answer({to_json(reply), std::nullopt}, where);
  }
  ContextStory& when_rejected(std::string code, std::string detail = "no",
                              const Where& where = Where::current());
  ContextStory& when_time_passes(Duration duration);

  // The same, where the test says what went before. What a context does of it is of no interest.
  template <event::Typed E>
  ContextStory& given(const E& message, std::string key = "1",
                      const Where& where = Where::current()) {
    return when(message, std::move(key), where);
  }
  ContextStory& given_file(const std::string& kind, const std::string& content) {
    return when_file(kind, content);
  }

  // What was told last comes once more, the same message: as brokers and clients do.
  ContextStory& twice();
  // The process is killed and starts again.
  ContextStory& crash_and_restart();
  // Of what is told next: the power goes at that operation of the disk, the machine starts again,
  // and whoever told it tells it again. Needs a simulated disk.
  ContextStory& cut_power_at(PowerCut& cut);

  // The events that it published, in this order, and no others.
  ContextStory& then_publishes(const Payloads& events, const Where& where = Where::current());
  // The commands that it sent to others, in this order, and no others.
  ContextStory& then_asks(const Payloads& commands, const Where& where = Where::current());
  // Its one reply.
  template <event::Typed R>
  ContextStory& then_replies(const R& reply, const Where& where = Where::current()) {
    return expect_reply(to_json(reply), where);
  }
  ContextStory& then_rejects(std::string_view code, const Where& where = Where::current());
  // Its answer to the request.
  ContextStory& then_answers(int status, const Where& where = Where::current());
  ContextStory& then_answers(int status, const Json& body, const Where& where = Where::current());
  // What a query of its database gives, row by row; bytes as hex.
  ContextStory& then_rows(std::string_view sql,
                          std::initializer_list<std::initializer_list<Json>> rows,
                          const Where& where = Where::current());
  // So many messages wait for an operator.
  ContextStory& then_parked(std::int64_t messages, const Where& where = Where::current());

  const http::Response& answer_given() const;
  World& world() noexcept { return *world_; }

 private:
  ContextStory& act(std::function<void()> told);
  ContextStory& deliver(messaging::Message message, const Where& where);
  void carry_out();
  void survive(PowerCut& cut, const std::function<void()>& action);
  ContextStory& answer(const messaging::ReplyData& data, const Where& where);
  ContextStory& expect_reply(const Json& reply, const Where& where);
  messaging::ReplyData only_reply(const Where& where) const;
  std::vector<messaging::Message> since_then() const;

  std::unique_ptr<World> world_;
  std::string name_;
  std::size_t before_ = 0;  // messages published before the last when()
  std::function<void()> told_;
  PowerCut* cut_ = nullptr;
  int files_ = 0;
  std::optional<http::Response> answer_;
};

// A context made of these arguments, anew for each process.
template <class C>
class ContextTest : public ContextStory {
 public:
  template <class... Arguments>
  explicit ContextTest(const WorldOptions& options = {}, Arguments... arguments)
      : ContextStory([arguments...] { return std::make_unique<C>(arguments...); }, options) {}
};

// Runs `story` with the power going at the first operation of the disk, at the second and so on,
// until it ends before the power goes: each moment at which something is half done is one of them.
// The story gives the cut to cut_power_at(). A Failure names the operation. Gives how many cuts
// there were.
std::uint64_t at_every_power_cut(const std::function<void(PowerCut& cut)>& story);

}  // namespace sinew::sim
