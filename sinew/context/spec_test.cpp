#include "sinew/context/spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/error_of.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Notes the sources that it sees messages of.
class Witness final : public messaging::DeliveryMiddleware {
 public:
  Task<Passed> around(messaging::Incoming incoming, Next next) override {
    sources.insert(incoming.source.name);
    co_return co_await next();
  }
  std::set<std::string> sources;
};

struct Echoed {
  static constexpr event::EventType type{"watched.echoed", 1};
  std::string order;
};
BOOST_DESCRIBE_STRUCT(Echoed, (), (order))
struct Echo {
  static constexpr event::EventType type{"watched.echo", 1};
  using Reply = Echoed;
  std::string order;
};
BOOST_DESCRIBE_STRUCT(Echo, (), (order))

// Hears events and sends itself a command for each.
class Watched final : public Context {
 public:
  Watched(Witness& all, Witness& events, Witness& commands)
      : all_(all), events_(events), commands_(commands) {}
  std::string_view name() const noexcept override { return "watched"; }
  void describe(ContextSpec& spec) override {
    spec.middleware(all_)
        .middleware(events_, Messages::events)
        .middleware(commands_, Messages::commands)
        .handles(&Watched::hear)
        .answers(&Watched::echo);
  }
  Task<void> hear(store::Transaction& tx, OrderPlaced event, const event::Envelope& message) {
    co_await send(tx, Echo{event.order}, event.order, event::caused_by(message));
  }
  Task<messaging::Answer<Echoed>> echo(store::Transaction&, Echo command, const event::Envelope&) {
    co_return Echoed{command.order};
  }

 private:
  Witness& all_;
  Witness& events_;
  Witness& commands_;
};

TEST(ContextSpec, PutsMiddlewareAroundTheMessagesThatItNames) {
  Witness all, events, commands;
  TestHost system;
  std::vector<std::unique_ptr<Context>> contexts;
  contexts.push_back(std::make_unique<Watched>(all, events, commands));
  system.start(std::move(contexts));

  system.place("o-1", 1);
  system.world.run_for(5s);

  EXPECT_THAT(all.sources, ElementsAre("shop.events", "watched.commands"));
  EXPECT_THAT(events.sources, ElementsAre("shop.events"));
  EXPECT_THAT(commands.sources, ElementsAre("watched.commands"));
  const auto metrics =
      system.send(to_string(system.host->operator_endpoint()), {.url = "/metrics"}).body;
  EXPECT_THAT(metrics,
              HasSubstr("sinew_messages_handled_total{consumer=\"watched/watched.commands\","
                        "type=\"watched.echo\",outcome=\"handled\"} 1\n"));
}

struct Counted {
  static constexpr event::EventType type{"teller.counted", 1};
  std::int32_t number = 0;
};
BOOST_DESCRIBE_STRUCT(Counted, (), (number))

// Publishes numbers as one batch, under one key.
class Teller final : public Context {
 public:
  std::string_view name() const noexcept override { return "teller"; }
  void describe(ContextSpec& spec) override { spec.handles(&Teller::hear); }
  Task<void> hear(store::Transaction&, Counted event, const event::Envelope&) {
    heard.push_back(event.number);
    co_return;
  }

  Task<std::size_t> tell(std::vector<std::string> keys, store::OnError on_error) {
    const auto lineage = co_await new_lineage();
    store::OutboxBatch batch;
    for (const auto& key : keys)
      add(batch, Counted{++number_}, key, lineage);
    co_return co_await database().transaction([&](store::Transaction& tx) -> Task<std::size_t> {
      const auto done = co_await publish_all(tx, batch, on_error);
      co_return done.inserted;
    });
  }

  std::vector<std::int32_t> heard;

 private:
  std::int32_t number_ = 0;
};

TEST(Context, PublishesABatchWholeOrWhatIsGoodOfIt) {
  TestHost system;
  std::vector<std::unique_ptr<Context>> contexts;
  contexts.push_back(std::make_unique<Teller>());
  auto& teller = static_cast<Teller&>(*contexts.front());
  system.start(std::move(contexts));
  const auto tell = [&](std::vector<std::string> keys, store::OnError on_error) {
    return system.node->run(teller.tell(std::move(keys), on_error));
  };

  EXPECT_EQ(tell({"k", "k", "k"}, store::OnError::fail), 3u);
  const Error refused = tests::error_of([&] { tell({"k", "", "k"}, store::OnError::fail); });
  EXPECT_EQ(tell({"k", "", "k"}, store::OnError::skip), 2u);
  system.world.run_for(5s);

  EXPECT_EQ(refused.condition(), Condition::invalid_input);
  EXPECT_THAT(refused.detail(), HasSubstr("1 of 3 messages are refused"));
  EXPECT_THAT(refused.detail(), HasSubstr("message 1: "));
  EXPECT_THAT(teller.heard, ElementsAre(1, 2, 3, 7, 9));
}

}  // namespace
}  // namespace sinew::context
