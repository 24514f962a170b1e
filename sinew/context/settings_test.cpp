#include "sinew/context/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::vector<std::unique_ptr<Context>> contexts(std::unique_ptr<Context> one,
                                               std::unique_ptr<Context> two = nullptr) {
  std::vector<std::unique_ptr<Context>> all;
  all.push_back(std::move(one));
  if (two) all.push_back(std::move(two));
  return all;
}

TEST(ContextSettings, BoundARequestsBody) {
  TestHost system;
  system.context_settings.max_body = config::ByteSize{1024};
  system.start();

  EXPECT_EQ(system.place(std::string(100, 'a'), 1).status, 202);
  EXPECT_EQ(system.place(std::string(1100, 'a'), 1).status, 413);
}

TEST(ContextSettings, BoundTheOutbox) {
  TestHost system;
  system.context_settings.outbox_capacity = 1;
  system.start();

  EXPECT_EQ(system.place("o-1", 1).status, 503) << "an event and a command do not fit";
  EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders"), 0);
}

// Handles nothing, ever.
class Stubborn final : public Context {
 public:
  explicit Stubborn(std::string name, std::int32_t own_attempts = 0)
      : name_(std::move(name)), own_attempts_(own_attempts) {}
  std::string_view name() const noexcept override { return name_; }
  void describe(ContextSpec& spec) override {
    spec.handles(&Stubborn::hear);
    if (own_attempts_ > 0) spec.retry({.max_attempts = own_attempts_, .first_delay = 1ms});
  }
  Task<void> hear(store::Transaction&, OrderPlaced, const event::Envelope&) {
    ++attempts;
    throw Error(Condition::unavailable, "never");
    co_return;
  }

  int attempts = 0;

 private:
  std::string name_;
  std::int32_t own_attempts_;
};

TEST(ContextSettings, SayHowOftenIsTriedWhereTheContextDoesNot) {
  TestHost system;
  system.context_settings.retry = {.max_attempts = 2, .first_delay = 1ms};
  auto given = std::make_unique<Stubborn>("given");
  auto own = std::make_unique<Stubborn>("own", 4);
  const auto& attempts_given = given->attempts;
  const auto& attempts_own = own->attempts;
  system.start(contexts(std::move(given), std::move(own)));
  system.place("o-1", 1);
  system.world.run_for(1min);

  EXPECT_EQ(attempts_given, 2);
  EXPECT_EQ(attempts_own, 4);
}

TEST(ContextSettings, AreRefusedOutOfRangeAllAtOnce) {
  TestHost system;
  system.context_settings.relays = 0;
  system.context_settings.outbox_capacity = 0;
  system.context_settings.entrance_capacity = 0;
  system.context_settings.inbox_retention = 59min;
  system.context_settings.journal_retention = 24h * 3651;

  try {
    system.start();
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(), HasSubstr("relays: got 0, expected an integer from 1 to 16"));
    EXPECT_THAT(error.detail(), HasSubstr("outbox_capacity: got 0"));
    EXPECT_THAT(error.detail(), HasSubstr("entrance_capacity: got 0"));
    EXPECT_THAT(error.detail(), HasSubstr("inbox_retention: got 59m, expected a duration"));
    EXPECT_THAT(error.detail(), HasSubstr("from 1h to 3650d"));
    EXPECT_THAT(error.detail(), HasSubstr("journal_retention: got 3651d"));
  }
}

// Says numbered things about many topics; a listener writes down what it hears.
struct Said {
  static constexpr event::EventType type{"speaker.said", 1};
  std::string topic;
  std::int32_t number = 0;
};
BOOST_DESCRIBE_STRUCT(Said, (), (topic, number))

class Speaker final : public Context {
 public:
  static constexpr store::Migration tables[] = {
      {1, "said", "CREATE TABLE said (topic TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL);"}};
  std::string_view name() const noexcept override { return "speaker"; }
  void describe(ContextSpec& spec) override { spec.migrations(tables); }

  // The next thing about `topic`.
  Task<void> say(std::string topic) {
    const auto lineage = co_await new_lineage();
    co_await database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute(
          "INSERT INTO said (topic, number) VALUES (?, 1) "
          "ON CONFLICT (topic) DO UPDATE SET number = said.number + 1",
          {topic});
      const auto rows = co_await tx.execute("SELECT number FROM said WHERE topic = ?", {topic});
      co_await publish(tx, Said{topic, static_cast<std::int32_t>(rows[0].integer(0))}, topic,
                       lineage);
    });
  }
};

class Scribe final : public Context {
 public:
  static constexpr store::Migration tables[] = {
      {1, "heard",
       "CREATE TABLE heard (position IDENTITY, topic TEXT NOT NULL, number BIGINT NOT NULL);"}};
  std::string_view name() const noexcept override { return "scribe"; }
  void describe(ContextSpec& spec) override { spec.migrations(tables).handles(&Scribe::hear); }
  Task<void> hear(store::Transaction& tx, Said said, const event::Envelope&) {
    co_await tx.execute("INSERT INTO heard (topic, number) VALUES (?, ?)",
                        {said.topic, said.number});
  }
};

TEST(ContextSettings, SeveralRelaysKeepTheOrderOfEachKeyUnderLoadAndKills) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    TestHost system(seed);
    system.context_settings.relays = 3;
    Speaker* speaker = nullptr;
    const auto start = [&] {
      auto own = std::make_unique<Speaker>();
      speaker = own.get();
      system.start(contexts(std::move(own), std::make_unique<Scribe>()));
    };
    start();
    constexpr int topics = 24;
    for (int kill = 0; kill < 2; ++kill) {  // a third could park a message as `crashed`
      async::Scope speaking(*system.node, "speaker");
      for (int i = 0; i < 5 * topics; ++i)
        speaking.spawn(speaker->say("topic " + std::to_string(i % topics)));
      system.world.run_for(std::chrono::milliseconds(system.world.random().below(60)));
      system.crash();
      start();
    }
    system.world.run_for(1min);

    std::map<std::string, std::int64_t> last;
    for (const auto& line :
         system.rows("scribe", "SELECT topic || '/' || number FROM heard ORDER BY position")) {
      const auto slash = line.find('/');
      EXPECT_EQ(std::stoi(line.substr(slash + 1)), ++last[line.substr(0, slash)]) << line;
    }
    const auto said = system.number("speaker", "SELECT COALESCE(SUM(number), 0) FROM said");
    EXPECT_GT(said, 0);
    EXPECT_EQ(system.number("scribe", "SELECT COUNT(*) FROM heard"), said);
  });
}

}  // namespace
}  // namespace sinew::context
