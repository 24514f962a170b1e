#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"
#include "tests/support/test_host.hpp"

// A context that asks others while somebody waits, or sends commands that nobody waits for.
namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Window final : public Context {
 public:
  std::string_view name() const noexcept override { return "window"; }
  void describe(ContextSpec& spec) override { spec.asks<Reserve>().asks<Count>(); }

  Task<messaging::Answer<Reserved>> reserve(std::int32_t units, Duration timeout) {
    return ask(Reserve{"o-1", units}, timeout);
  }
  Task<messaging::Answer<Reserved>> count(Duration timeout) { return ask(Count{1}, timeout); }
};

class Asking : public testing::Test {
 protected:
  Asking() {
    auto own = std::make_unique<Window>();
    window = own.get();
    std::vector<std::unique_ptr<Context>> contexts;
    contexts.push_back(std::move(own));
    system.start(std::move(contexts));
  }

  Error error_of(Task<messaging::Answer<Reserved>> question) {
    try {
      system.node->run(std::move(question));
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "it was answered";
    return Error(Condition::corrupt, "");
  }
  const messaging::RequesterStatus& questions() { return *system.context("window").questions(); }

  TestHost system;
  Window* window = nullptr;
};

TEST_F(Asking, GivesTheAnswerOrTheNo) {
  const auto yes = system.node->run(window->reserve(3, 2s));
  const auto no = system.node->run(window->reserve(Stock::limit + 1, 2s));

  EXPECT_EQ(std::get<Reserved>(yes).units, 3);
  EXPECT_EQ(std::get<messaging::Rejection>(no).code, "out_of_stock");
  EXPECT_EQ(questions().answered, 2U);
  EXPECT_TRUE(system.context("window").health().problems.empty());
}

TEST_F(Asking, EndsAfterItsTimeout) {
  const Instant begin = system.node->now();

  const Error error = error_of(window->count(2s));

  EXPECT_EQ(error.condition(), Condition::timeout);
  EXPECT_EQ(system.node->now() - begin, 2s);
  EXPECT_EQ(questions().pending, 0U);
}

TEST_F(Asking, AQuestionThatIsTooOldIsNotAnswered) {
  const Error error = error_of(window->reserve(3, 1us));
  EXPECT_EQ(error.condition(), Condition::timeout);

  system.world.run_for(5s);

  EXPECT_EQ(questions().unknown, 0U);
  EXPECT_EQ(questions().answered, 0U);
  const auto metrics =
      system.send(to_string(system.host->operator_endpoint()), {.url = "/metrics"}).body;
  EXPECT_THAT(metrics, HasSubstr(R"(sinew_questions{context="window",state="unknown"} 0)"));
}

TEST(Questions, AreDescribedAndGoToOthers) {
  class Silent final : public Context {
   public:
    std::string_view name() const noexcept override { return "silent"; }
    void describe(ContextSpec&) override {}
    Task<messaging::Answer<Reserved>> count() { return ask(Count{1}, 1s); }
  };
  auto own = std::make_unique<Silent>();
  Silent* silent = own.get();
  std::vector<std::unique_ptr<Context>> contexts;
  contexts.push_back(std::move(own));
  TestHost system;
  system.start(std::move(contexts));

  EXPECT_THROW(system.node->run(silent->count()), Error);
  Stock stock;
  EXPECT_THROW(ContextSpec(stock).asks<Count>(), Error) << "it would ask itself";
}

// A command that comes later, or not at all.
struct Remind {
  static constexpr event::EventType type{"diary.remind", 1};
  using Reply = Reserved;
  std::string what;
};
BOOST_DESCRIBE_STRUCT(Remind, (), (what))

class Diary final : public Context {
 public:
  std::string_view name() const noexcept override { return "diary"; }
  void describe(ContextSpec& spec) override { spec.answers(&Diary::take); }

  Task<messaging::Answer<Reserved>> take(store::Transaction&, Remind command,
                                         const event::Envelope&) {
    reminders.emplace_back(command.what, runtime().now());
    co_return Reserved{};
  }
  Task<void> write(std::string what, SendOptions options) {
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await send(tx, Remind{what}, "page-1", {}, options);
    });
  }

  std::vector<std::pair<std::string, Instant>> reminders;
};

class Sending : public testing::Test {
 protected:
  Sending() {
    auto own = std::make_unique<Diary>();
    diary = own.get();
    std::vector<std::unique_ptr<Context>> contexts;
    contexts.push_back(std::move(own));
    system.start(std::move(contexts));
  }

  TestHost system;
  Diary* diary = nullptr;
};

TEST_F(Sending, ACommandComesAfterItsDelay) {
  const Instant begin = system.node->now();
  system.node->run(diary->write("later", {.delay = 1h}));
  system.node->run(diary->write("now", {}));
  system.node->run(diary->write("soon", {.delay = 1min, .expires_after = 2min}));

  system.world.run_for(30s);
  ASSERT_EQ(diary->reminders.size(), 1U);
  EXPECT_EQ(diary->reminders[0].first, "now");
  system.world.run_for(2h);

  ASSERT_EQ(diary->reminders.size(), 3U);
  EXPECT_EQ(diary->reminders[1].first, "soon");
  EXPECT_EQ(diary->reminders[2].first, "later");
  EXPECT_GE(diary->reminders[2].second - begin, 1h);
}

TEST_F(Sending, RefusesDelaysAndLivesOutOfRange) {
  const SendOptions rows[] = {{.delay = -1s},
                              {.delay = Duration::max()},
                              {.expires_after = 0s},
                              {.expires_after = -1s},
                              {.delay = 2s, .expires_after = 1s}};
  for (const SendOptions& options : rows) {
    try {
      system.node->run(diary->write("never", options));
      ADD_FAILURE() << "sent";
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
    }
  }
  system.world.run_for(2h);
  EXPECT_TRUE(diary->reminders.empty());
}

}  // namespace
}  // namespace sinew::context
