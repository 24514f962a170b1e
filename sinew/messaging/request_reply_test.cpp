#include "sinew/messaging/request_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "tests/support/faulty_broker.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/simulated_process.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct StockFree {
  static constexpr event::EventType type{"stock.query.reply", 1};
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(StockFree, (), (units))

struct StockQuery {
  static constexpr event::EventType type{"stock.query", 1};
  using Reply = StockFree;
  std::int32_t product = 0;
};
BOOST_DESCRIBE_STRUCT(StockQuery, (), (product))

const Destination stock{DestinationKind::queue, "stock.commands"};

// A requester and somebody who answers with ten units more than the product's number, after
// `slowness`.
class Bench {
 public:
  explicit Bench(std::uint64_t seed = 1) : process(seed), broker(process.port()) {
    process.node().run(process.port().declare({.queues = {{.name = stock.name}}, .topics = {}}));
    settings.source = "/web";
    settings.replies = "web.replies";
    begin();
  }
  ~Bench() { end(); }

  void begin() {
    requester = std::make_unique<Requester>(process.node(), broker, settings);
    scope = std::make_unique<async::Scope>(process.node(), "test");
    scope->spawn(requester->run());
    process.world().run_for(1s);
  }
  void end() {
    scope->cancel();
    process.node().run(scope->join());
    scope.reset();
    requester.reset();
  }

  void begin_answering() { scope->spawn(answer_all()); }
  Task<void> answer_all() {
    const auto subscription = co_await process.port().subscribe({.source = stock, .group = {}});
    for (;;) {
      for (auto& signal : co_await subscription->receive(100)) {
        auto& delivery = std::get<Delivery>(signal);
        scope->spawn(answer(delivery.message.envelope));
        co_await subscription->settle({{delivery.tag, Settlement::accepted}});
      }
    }
  }
  Task<void> answer(event::Envelope query) {
    co_await async::sleep_for(slowness());
    ++answers;
    const auto product = event::open<StockQuery>(query).product;
    ReplyData data{to_json(StockFree{product + 10}), std::nullopt};
    if (product < 0) data = {std::nullopt, Rejection{"no_such_product", "there is none"}};
    event::Envelope header;
    header.id = process.node().new_id();
    header.source = "/stock";
    const event::Envelope reply = make_reply(query, data, header);
    std::vector<Message> messages;
    for (int i = 0; i < copies; ++i) {
      messages.push_back({{DestinationKind::queue, query.reply_to}, reply});
      messages.back().envelope.id = process.node().new_id();
    }
    co_await process.port().publish(std::move(messages));
  }
  Task<void> publish(Destination to, event::Envelope envelope) {
    std::vector<Message> messages;
    messages.push_back({std::move(to), std::move(envelope)});
    co_await process.port().publish(std::move(messages));
  }

  Answer<StockFree> ask(std::int32_t product, Duration timeout = 5s) {
    return process.node().run(requester->ask(stock, StockQuery{product}, "key", timeout));
  }
  Error error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(Condition::corrupt, "");
  }

  tests::SimulatedProcess process;
  tests::FaultyBroker broker;
  RequesterSettings settings;
  std::function<Duration()> slowness = [] { return 10ms; };
  int answers = 0;
  int copies = 1;  // of each answer
  std::unique_ptr<Requester> requester;
  std::unique_ptr<async::Scope> scope;
};

TEST(Reply, ExpiresWithAQuestionAndNotWithTheCommandOfASaga) {
  event::Envelope question;
  question.type = "stock.query";
  question.extensions["expirytime"] = "2026-01-01T12:00:00Z";
  event::Envelope command = question;
  command.extensions["sagaid"] = "4711";

  const auto answer = make_reply(question, {Json(1), std::nullopt}, {});
  const auto reply = make_reply(command, {Json(1), std::nullopt}, {});

  EXPECT_EQ(answer.extensions, question.extensions);
  EXPECT_EQ(reply.extensions.count("expirytime"), 0U);
  EXPECT_EQ(reply.extensions.at("sagaid"), "4711");
}

TEST(Requester, GivesTheAnswerToAQuestion) {
  Bench bench;
  bench.begin_answering();

  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
  EXPECT_EQ(std::get<Rejection>(bench.ask(-1)).code, "no_such_product");

  EXPECT_EQ(bench.requester->status().answered, 2U);
  EXPECT_EQ(bench.requester->status().pending, 0U);
  EXPECT_EQ(bench.requester->status().unknown, 0U);
}

TEST(Requester, TakesOneOfTwoAnswers) {
  Bench bench;
  bench.copies = 2;
  bench.begin_answering();

  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
  bench.process.world().run_for(1s);

  EXPECT_EQ(bench.requester->status().answered, 1U);
  EXPECT_EQ(bench.requester->status().unknown, 1U);
}

Task<void> ask_and_check(Requester& requester, std::int32_t product, int& right) {
  const auto answer = co_await requester.ask(stock, StockQuery{product}, "", 1min);
  right += std::get<StockFree>(answer).units == product + 10 ? 1 : 0;
}

TEST(Requester, GivesEachOfManyItsOwnAnswer) {
  tests::for_seeds(10, [](std::uint64_t seed) {
    Bench bench(seed);
    bench.slowness = [&] {
      return std::chrono::milliseconds(bench.process.world().random().below(2000));
    };
    bench.begin_answering();
    int right = 0;
    async::Scope asking(bench.process.node(), "asking");
    for (std::int32_t product = 0; product < 50; ++product)
      asking.spawn(ask_and_check(*bench.requester, product, right));

    bench.process.node().run(asking.join());

    EXPECT_EQ(right, 50);
  });
}

TEST(Requester, GivesUpAtTheTimeoutAndTheLateReplyExpiresWithItsQuestion) {
  Bench bench;
  bench.slowness = [] { return 10s; };
  bench.begin_answering();
  const Instant begin = bench.process.node().now();

  const Error error = bench.error_of([&] { bench.ask(1, 5s); });

  EXPECT_EQ(error.condition(), Condition::timeout);
  EXPECT_EQ(error.applied(), Applied::unknown);
  EXPECT_THAT(error.detail(), HasSubstr("stock.query"));
  EXPECT_EQ(bench.process.node().now() - begin, 5s);
  EXPECT_EQ(bench.requester->status().pending, 0U);
  bench.process.world().run_for(10s);
  EXPECT_EQ(bench.answers, 1);
  EXPECT_EQ(bench.requester->status().unknown, 0U);
  EXPECT_EQ(bench.requester->status().answered, 0U);
  for (const auto& queue : bench.process.broker().statistics().queues)
    EXPECT_EQ(queue.ready + queue.in_work, 0) << queue.name;
}

TEST(Requester, DropsWhatNobodyAskedForAndGoesOn) {
  Bench bench;
  bench.begin_answering();
  event::Envelope stray{.id = bench.process.node().new_id(), .source = "/x", .type = "x.reply"};
  bench.process.node().run(bench.publish({DestinationKind::queue, "web.replies"}, stray));

  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
  EXPECT_EQ(bench.requester->status().unknown, 1U);
}

TEST(Requester, AStaleQuestionIsNeverAnswered) {
  Bench bench;
  EXPECT_EQ(bench.error_of([&] { bench.ask(1, 1s); }).condition(), Condition::timeout);

  bench.begin_answering();
  bench.process.world().run_for(5s);

  EXPECT_EQ(bench.answers, 0);
  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
}

TEST(Requester, HearsNothingOfWhatItAskedBeforeARestart) {
  Bench bench;
  bench.slowness = [] { return 2s; };
  bench.begin_answering();
  EXPECT_EQ(bench.error_of([&] { bench.ask(1, 1s); }).condition(), Condition::timeout);
  bench.end();
  bench.begin();
  bench.begin_answering();
  bench.process.world().run_for(5s);

  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
  EXPECT_EQ(bench.requester->status().answered, 1U);
}

TEST(Requester, ASecondOneOfTheSameNameIsKeptOut) {
  Bench bench;
  bench.begin_answering();
  Requester second(bench.process.node(), bench.broker, bench.settings);
  async::Scope scope(bench.process.node(), "second");
  scope.spawn(second.run());
  bench.process.world().run_for(1s);

  EXPECT_THAT(second.status().last_error, HasSubstr("exclusive"));
  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);

  bench.end();
  bench.process.world().run_for(20s);
  EXPECT_EQ(second.status().last_error, "") << "its turn has come";
  scope.cancel();
  bench.process.node().run(scope.join());
  bench.begin();
}

TEST(Requester, BoundsWhatWaits) {
  Bench bench;
  bench.end();
  bench.settings.max_pending = 2;
  bench.begin();
  bench.slowness = [] { return 3s; };
  bench.begin_answering();
  int right = 0;
  async::Scope asking(bench.process.node(), "asking");
  asking.spawn(ask_and_check(*bench.requester, 1, right));
  asking.spawn(ask_and_check(*bench.requester, 2, right));
  bench.process.world().run_for(1s);

  EXPECT_EQ(bench.requester->status().pending, 2U);
  EXPECT_EQ(bench.error_of([&] { bench.ask(3); }).condition(), Condition::exhausted);

  bench.process.node().run(asking.join());
  EXPECT_EQ(right, 2);
  EXPECT_EQ(std::get<StockFree>(bench.ask(3)).units, 13) << "there is room again";
}

TEST(Requester, SaysWhatIsWrongWithTheQueue) {
  Bench bench;
  const auto ask = [&](std::string queue) {
    bench.process.node().run(
        bench.requester->ask({DestinationKind::queue, std::move(queue)}, StockQuery{1}, "", 5s));
  };
  EXPECT_EQ(bench.error_of([&] { ask("nowhere"); }).condition(), Condition::not_found);
  bench.broker.after_publish = [](auto& confirms) -> Task<void> {
    confirms.at(0) = Confirm::rejected;
    co_return;
  };
  EXPECT_EQ(bench.error_of([&] { ask(stock.name); }).condition(), Condition::exhausted);
  bench.broker.before_publish = [](const auto&) -> Task<void> {
    throw Error(Condition::unavailable, "no broker");
    co_return;
  };
  EXPECT_EQ(bench.error_of([&] { ask(stock.name); }).condition(), Condition::unavailable);
  EXPECT_EQ(bench.requester->status().pending, 0U);
}

TEST(Requester, RefusesAQuestionThatIsTooLarge) {
  Bench bench;
  event::Envelope query;
  query.type = "stock.query";
  query.data = SharedBytes(std::string(event::Envelope::max_data_bytes + 1, 'x'));

  const Error error =
      bench.error_of([&] { bench.process.node().run(bench.requester->request(stock, query, 5s)); });

  EXPECT_EQ(error.condition(), Condition::invalid_input) << "asking again would not help";
  EXPECT_THAT(error.detail(), HasSubstr("bytes, at most"));
  EXPECT_EQ(bench.requester->status().pending, 0U);
}

TEST(Requester, TakesTheReplyOfARequestWhoseConfirmIsUnknown) {
  Bench bench;
  bench.begin_answering();
  bench.broker.after_publish = [](auto& confirms) -> Task<void> {
    co_await async::sleep_for(1s);
    confirms.at(0) = Confirm::unknown;
  };

  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
}

TEST(Requester, RefusesAnIdThatWaitsAlready) {
  Bench bench;
  const Uuid id = bench.process.node().new_id();
  const auto ask = [&]() {
    event::Envelope query = event::seal(StockQuery{1}, {});
    query.id = id;
    return bench.requester->request(stock, query, 2s);
  };
  async::Outcome<event::Envelope> first;
  async::Scope asking(bench.process.node(), "asking");
  asking.spawn(async::capture(ask(), first));
  bench.process.world().run_for(100ms);

  EXPECT_EQ(bench.error_of([&] { bench.process.node().run(ask()); }).condition(),
            Condition::invalid_input);
  EXPECT_EQ(bench.requester->status().pending, 1U) << "the first one still waits";
  bench.process.node().run(asking.join());
}

TEST(Requester, SubscribesAgainWhenTheBrokerWasAway) {
  Bench bench;
  bench.end();
  bool away = true;
  bench.broker.before_subscribe = [&away]() -> Task<void> {
    if (away) throw Error(Condition::unavailable, "no broker");
    co_return;
  };
  bench.begin();
  bench.begin_answering();
  EXPECT_EQ(bench.requester->status().last_error, "no broker");

  away = false;
  EXPECT_EQ(std::get<StockFree>(bench.ask(7)).units, 17);
  EXPECT_EQ(bench.requester->status().last_error, "");
}

}  // namespace
}  // namespace sinew::messaging
