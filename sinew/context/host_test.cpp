#include "sinew/context/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "sinew/base/error.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "tests/support/for_seeds.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string content(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
mode_t rights(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(Host, CarriesARequestThroughEventCommandAndSaga) {
  TestHost system;
  system.start();

  EXPECT_EQ(system.place("o-1", 3).status, 202);
  system.world.run_for(5s);

  EXPECT_THAT(system.rows("shop", "SELECT state FROM orders"), ElementsAre("confirmed"));
  EXPECT_EQ(system.number("stock", "SELECT units FROM reservations"), 3);
  EXPECT_EQ(system.number("stock", "SELECT times FROM heard"), 1);
  const Activity shop = system.node->run(system.context("shop").activity());
  EXPECT_EQ(shop.running_sagas, 0);
  EXPECT_EQ(shop.outbox, 0);
  EXPECT_EQ(shop.moved, 3) << "an event, a command, a reply";
  EXPECT_THAT(system.context("shop").health().problems, IsEmpty());
}

TEST(Host, SaysThatItsMessagesGoNowhere) {
  TestHost system;
  system.start();
  store::Outbox outbox;
  system.node->run(
      system.context("shop").database().transaction([&](store::Transaction& tx) -> Task<void> {
        event::Envelope envelope;
        envelope.id = system.node->new_id();
        envelope.source = "/shop";
        envelope.type = "mail.send";
        co_await outbox.insert(tx, {store::DestinationKind::queue, "mail.commands"}, envelope);
      }));

  system.world.run_for(5s);

  EXPECT_THAT(system.context("shop").health().problems,
              ElementsAre(HasSubstr("the messages of 1 keys")));
}

TEST(Host, CarriesARejectionBack) {
  TestHost system;
  system.start();

  system.place("too-many", Stock::limit + 1);
  system.world.run_for(5s);

  EXPECT_THAT(system.rows("shop", "SELECT status FROM saga_instances"), ElementsAre("compensated"));
  EXPECT_THAT(system.rows("shop", "SELECT state FROM orders"), ElementsAre("placed"));
  EXPECT_THAT(system.rows("stock", "SELECT order_id FROM reservations"), IsEmpty());
}

TEST(Host, GivesEachContextAFolderAndADatabaseOfItsOwn) {
  TestHost system;
  system.start();

  EXPECT_TRUE(std::filesystem::exists(system.folder() / "shop" / "shop.db"));
  EXPECT_TRUE(std::filesystem::exists(system.folder() / "stock" / "stock.db"));
  EXPECT_THROW(system.rows("shop", "SELECT order_id FROM reservations"), Error);
}

TEST(Host, GoesOnAfterADrain) {
  tests::for_seeds(10, [](std::uint64_t seed) {
    TestHost system(seed);
    system.start();
    for (int i = 0; i < 5; ++i)
      system.place("o-" + std::to_string(i), 1);
    system.drain();
    system.start();
    system.world.run_for(1min);

    EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"), 5);
    EXPECT_EQ(system.number("stock", "SELECT SUM(units) FROM reservations"), 5);
    EXPECT_EQ(system.number("stock", "SELECT SUM(times) FROM heard"), 5);
    EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 0);
  });
}

// Takes its time over each event.
class Listener final : public Context {
 public:
  static constexpr store::Migration tables[] = {
      {1, "heard", "CREATE TABLE heard (order_id TEXT NOT NULL PRIMARY KEY);"}};
  std::string_view name() const noexcept override { return "listener"; }
  void describe(ContextSpec& spec) override { spec.migrations(tables).handles(&Listener::hear); }
  Task<void> hear(messaging::Handling& handling, OrderPlaced event) {
    co_await async::sleep_for(3s);
    co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO heard (order_id) VALUES (?)", {event.order});
    });
  }
};
std::vector<std::unique_ptr<Context>> listener() {
  std::vector<std::unique_ptr<Context>> others;
  others.push_back(std::make_unique<Listener>());
  return others;
}

// Holds its worker in a route, in a handler and in the handler's transaction.
class Hog final : public Context {
 public:
  static constexpr Duration long_time = 100ms;
  std::string_view name() const noexcept override { return "hog"; }
  void describe(ContextSpec& spec) override {
    spec.route(http::Method::get, "/hold/{what}", &Hog::hold).handles(&Hog::hear);
  }
  Task<http::Response> hold(const http::Request&) {
    work(long_time);
    co_return http::no_content();
  }
  Task<void> hear(messaging::Handling& handling, OrderPlaced) {
    work(long_time);
    co_await handling.commit([this](store::Transaction&) -> Task<void> {
      work(long_time + 1ms);
      co_return;
    });
  }

 private:
  void work(Duration time) { static_cast<async::sim::Node&>(runtime()).spend(time); }
};

TEST(Host, BlamesAStallOnTheHandlerThatHoldsTheWorker) {
  TestHost system;
  std::vector<std::unique_ptr<Context>> contexts;
  contexts.push_back(std::make_unique<Hog>());
  system.start(std::move(contexts));

  system.send(to_string(system.context("hog").endpoint()), {.url = "/hold/on"});
  system.place("o-1", 1);
  system.world.run_for(5s);

  std::vector<std::pair<std::string, Duration>> stalls;
  for (const async::sim::Stall& stall : system.world.stalls())
    stalls.emplace_back(stall.task, stall.busy);
  EXPECT_THAT(stalls, ElementsAre(std::pair("GET /hold/{what}", Hog::long_time),
                                  std::pair("shop.order.placed", Hog::long_time),
                                  std::pair("shop.order.placed", Hog::long_time + 1ms)));
}

TEST(Host, FinishesWhatIsUnderWayWhenItDrains) {
  TestHost system;
  system.start(listener());
  system.place("o-1", 1);
  system.world.run_for(1s);
  ASSERT_EQ(system.node->run(system.context("listener").activity()).in_work, 1);

  const Instant begin = system.world.now();
  system.drain();
  EXPECT_LT(system.world.now() - begin, 5s) << "as long as that takes, no longer";
  system.start(listener());

  EXPECT_EQ(system.number("listener", "SELECT COUNT(*) FROM heard"), 1);
}

// Whoever was in work at three kills in a row looks like their cause.
void replay_parked(TestHost& system) {
  for (auto* context : system.host->contexts()) {
    system.node->run(context->database().transaction([&](store::Transaction& tx) -> Task<void> {
      co_await messaging::replay(tx, {.reason = "crashed"},
                                 {"ann", "", system.node->new_id(), system.node->wall_now()},
                                 false);
    }));
    context->wake();
  }
}

TEST(Host, DoesEverythingOnceHoweverOftenItIsKilled) {
  tests::for_seeds(30, [](std::uint64_t seed) {
    TestHost system(seed);
    system.start();
    for (int i = 0; i < 8; ++i)
      system.place("o-" + std::to_string(i), 1);
    for (int kill = 0; kill < 4; ++kill) {
      system.world.run_for(std::chrono::milliseconds(system.world.random().below(80)));
      system.crash();
      system.start();
    }
    system.world.run_for(2s);
    replay_parked(system);
    system.world.run_for(3min);

    EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"), 8);
    EXPECT_EQ(system.number("stock", "SELECT SUM(units) FROM reservations"), 8);
    EXPECT_EQ(system.number("stock", "SELECT SUM(times) FROM heard"), 8);
    EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 0);
    EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM consumer_backlog"), 0);
  });
}

// Bodies of transactions run again and again, commits are refused, their answers are lost.
TEST(Host, DoesEverythingOnceOnADatabaseAcrossANetwork) {
  tests::for_seeds(20, [](std::uint64_t seed) {
    TestHost system(seed, TestHost::Databases::interleaving);
    system.start();
    for (int i = 0; i < 6; ++i) {
      const std::string order = "o-" + std::to_string(i);
      // Placed when it is there: 409 says that the answer to an earlier try was lost.
      while (system.place(order, 1).status >= 500)
        system.world.run_for(10ms);
      if (i == 3) {
        system.crash();
        system.start();
      }
    }
    system.world.run_for(5min);
    system.world.heal();
    system.world.run_for(5min);

    EXPECT_EQ(system.number("shop", "SELECT COUNT(*) FROM orders WHERE state = 'confirmed'"), 6);
    EXPECT_EQ(system.number("stock", "SELECT SUM(units) FROM reservations"), 6);
    EXPECT_EQ(system.number("stock", "SELECT SUM(times) FROM heard"), 6);
    EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 0);
  });
}

// A context that fails at a place of the test's choice.
class Failing final : public Context {
 public:
  explicit Failing(std::string place) : place_(std::move(place)) {}
  std::string_view name() const noexcept override { return "failing"; }
  void describe(ContextSpec& spec) override {
    spec.route(http::Method::get, "/x", &Failing::answer);
    if (place_ == "describe") throw Error(Condition::invalid_input, "a bad description");
  }
  Task<void> start() override {
    if (place_ == "start") throw Error(Condition::unauthorized, "no licence");
    if (place_ == "bug") throw std::runtime_error("a bug");
    co_return;
  }
  Task<http::Response> answer(const http::Request&) { co_return http::ok(Json("x")); }

 private:
  std::string place_;
};

Error start_error(TestHost& system, std::unique_ptr<Context> bad) {
  std::vector<std::unique_ptr<Context>> others;
  others.push_back(std::move(bad));
  try {
    system.start(std::move(others));
  } catch (const Error& error) {
    system.drop();
    return error;
  }
  ADD_FAILURE() << "it started";
  return Error(Condition::corrupt, "");
}

TEST(Host, UndoesEverythingWhenOneContextCannotStart) {
  struct {
    const char* place;
    Condition condition;
    const char* says;
  } const rows[] = {
      {"describe", Condition::invalid_input, "failing cannot start: a bad description"},
      {"start", Condition::unauthorized, "failing cannot start: no licence"},
      {"bug", Condition::unavailable, "failing cannot start: a bug"},
  };
  for (const auto& row : rows) {
    TestHost system;

    const Error error = start_error(system, std::make_unique<Failing>(row.place));

    EXPECT_EQ(error.condition(), row.condition) << row.place;
    EXPECT_THAT(error.detail(), HasSubstr(row.says));
    EXPECT_FALSE(std::filesystem::exists(system.folder() / "hosts" / "main.json"));
    system.start();
    EXPECT_EQ(system.place("o-1", 1).status, 202) << "the databases had been closed";
  }
}

// Hears an event that travels as Protobuf.
class Reader final : public Context {
 public:
  struct Heard {
    static constexpr event::EventType type{"shop.heard", 1, event::protobuf_content_type};
  };
  std::string_view name() const noexcept override { return "reader"; }
  void describe(ContextSpec& spec) override { spec.handles(&Reader::hear); }
  Task<void> hear(store::Transaction&, Heard, const event::Envelope&) { co_return; }
};
BOOST_DESCRIBE_STRUCT(Reader::Heard, (), ())

TEST(Host, DoesNotStartAContextThatCannotReadWhatItHandles) {
  TestHost system;

  const Error error = start_error(system, std::make_unique<Reader>());

  EXPECT_EQ(error.condition(), Condition::invalid_input);
  EXPECT_THAT(error.detail(), HasSubstr("reader cannot start: shop.heard version 1 is written as "
                                        "application/protobuf"));
}

TEST(Host, NamesTheContextWhoseFolderIsNone) {
  TestHost system;
  std::filesystem::create_directories(system.folder());
  std::ofstream(system.folder() / "failing") << "a file";

  const Error error = start_error(system, std::make_unique<Failing>("nowhere"));

  EXPECT_THAT(error.detail(), HasSubstr("failing cannot start"));
}

TEST(Host, WritesWhereItIsForItsOwnerOnly) {
  TestHost system;
  system.start();
  const auto file = system.folder() / "hosts" / "main.json";
  const auto token = system.folder() / "operator.token";

  EXPECT_EQ(rights(file), 0600U);
  EXPECT_EQ(rights(token), 0600U);
  const Json document = parse_json(content(file));
  EXPECT_EQ(document.at("name").as_string(), "main");
  EXPECT_EQ(document.at("operator_url").as_string(),
            "http://" + to_string(system.host->operator_endpoint()));
  ASSERT_THAT(document.at("contexts").as_array(), SizeIs(2U));
  EXPECT_EQ(document.at("contexts").as_array()[0].at("url").as_string(),
            "http://" + to_string(system.context("shop").endpoint()));
  const std::string secret = content(token);
  EXPECT_THAT(secret, SizeIs(65U)) << "256 bits in hexadecimal, and a new line";

  system.drain();
  EXPECT_FALSE(std::filesystem::exists(file));
  system.start();
  EXPECT_EQ(content(token), secret) << "tools keep working";
}

TEST(Host, KeepsTheOperatorApiOnLoopback) {
  TestHost system;
  system.address = "10.0.0.1";
  system.start();

  EXPECT_EQ(system.context("shop").endpoint().address, "10.0.0.1");
  EXPECT_EQ(system.host->operator_endpoint().address, "127.0.0.1");
}

TEST(Host, ReplacesATokenFileThatIsNone) {
  TestHost system;
  std::filesystem::create_directories(system.folder());
  std::ofstream(system.folder() / "operator.token") << "1234";
  std::ofstream(system.folder() / "operator.token.next") << "of a crash";
  system.start();

  EXPECT_THAT(content(system.folder() / "operator.token"), SizeIs(65U));
  EXPECT_EQ(rights(system.folder() / "operator.token"), 0600U);
}

TEST(ContextSpec, RefusesWhatCannotBeMeant) {
  class Greedy final : public Context {
   public:
    std::string_view name() const noexcept override { return "greedy"; }
    void describe(ContextSpec&) override {}
    Task<messaging::Answer<Reserved>> reserve(store::Transaction&, Reserve,
                                              const event::Envelope&) {
      co_return Reserved{};
    }
    Task<void> hear(store::Transaction&, OrderPlaced, const event::Envelope&) { co_return; }
  } greedy;
  ContextSpec spec(greedy);
  const auto condition = [](auto action) {
    try {
      action();
    } catch (const Error& error) {
      return error.condition();
    }
    return Condition::corrupt;
  };

  EXPECT_EQ(condition([&] { spec.answers(&Greedy::reserve); }), Condition::invalid_input)
      << "a command to another context";
  spec.handles(&Greedy::hear);
  EXPECT_EQ(condition([&] { spec.handles(&Greedy::hear); }), Condition::conflict);
}

}  // namespace
}  // namespace sinew::context
