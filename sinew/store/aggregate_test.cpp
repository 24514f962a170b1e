#include "sinew/store/aggregate.hpp"

#include <gtest/gtest.h>

#include "tests/support/simulated_sqlite.hpp"

namespace shop {

struct Opened {
  static constexpr sinew::event::EventType type{"account.opened", 2};
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(Opened, (), (owner))

struct Deposited {
  static constexpr sinew::event::EventType type{"account.deposited", 1};
  std::int64_t amount = 0;
};
BOOST_DESCRIBE_STRUCT(Deposited, (), (amount))

struct Closed {
  static constexpr sinew::event::EventType type{"account.closed", 1};
};
BOOST_DESCRIBE_STRUCT(Closed, (), ())

struct Account {
  static constexpr std::string_view category = "account";
  using Events = sinew::store::EventTypes<Opened, Deposited>;

  void apply(const Opened& event) { owner = event.owner; }
  void apply(const Deposited& event) { balance += event.amount; }

  std::string owner;
  std::int64_t balance = 0;
};

}  // namespace shop

namespace sinew::store {
namespace {

using shop::Account;
using shop::Deposited;
using shop::Opened;

JsonObject rename_holder(JsonObject data) {
  data.set("owner", *data.find("holder"));
  return data;
}

RecordedEvent recorded(std::int64_t version, std::string type, std::string data) {
  RecordedEvent event;
  event.stream = "account-1";
  event.stream_version = version;
  event.type = std::move(type);
  event.data = SharedBytes(std::move(data));
  return event;
}

template <class F>
Condition condition_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.condition();
  }
  return {};
}

TEST(Aggregate, IsTheSumOfWhatItRaised) {
  Aggregate<Account> account("1");
  EXPECT_FALSE(account.exists());

  account.raise(Opened{"Ann"});
  account.raise(Deposited{5});
  account.raise(Deposited{2});

  EXPECT_TRUE(account.exists());
  EXPECT_EQ(account.state().owner, "Ann");
  EXPECT_EQ(account.state().balance, 7);
  EXPECT_EQ(account.version(), -1);
  EXPECT_EQ(account.pending().size(), 3u);
  EXPECT_EQ(account.stream(), "account-1");
}

TEST(Aggregate, ReplaysOlderVersionsThroughUpcasters) {
  event::Upcasters upcasters;
  upcasters.add("account.opened", 1, rename_holder);
  Aggregate<Account> account("1");

  account.replay(recorded(0, "account.opened", R"({"holder":"Ann"})"), upcasters);

  EXPECT_EQ(account.state().owner, "Ann");
  EXPECT_EQ(account.version(), 0);
}

TEST(Aggregate, RefusesAHistoryThatItCannotRead) {
  Aggregate<Account> account("1");
  const auto replay = [&](const RecordedEvent& event) {
    return condition_of([&] { account.replay(event, {}); });
  };

  EXPECT_EQ(replay(recorded(1, "account.deposited", R"({"amount":1})")), Condition::corrupt);
  EXPECT_EQ(replay(recorded(0, "account.closed", "{}")), Condition::unsupported);
  EXPECT_EQ(replay(recorded(0, "account.deposited", "{}")), Condition::invalid_input);
  EXPECT_EQ(account.version(), -1);
}

TEST(Repository, LoadsWhatItStored) {
  tests::SimulatedSqlite sqlite(1);
  sqlite::Database& database = sqlite.database();
  const Repository<Account> accounts(database.event_log());

  sqlite.run([&]() -> Task<void> {
    co_await database.transaction([&](Transaction& tx) -> Task<void> {
      Aggregate<Account> account("1");
      account.raise(Opened{"Ann"});
      for (int i = 0; i < 999; ++i)
        account.raise(Deposited{1});
      co_await accounts.append(tx, account);
    });
    co_await database.transaction([&](Transaction& tx) -> Task<void> {
      Aggregate<Account> account = co_await accounts.load(tx, "1");
      account.raise(Deposited{2});
      co_await accounts.append(tx, account);
      co_await accounts.append(tx, co_await accounts.load(tx, "1"));  // nothing to store
    });
    const Aggregate<Account> found =
        co_await database.read([&](Transaction& tx) { return accounts.load(tx, "1"); });
    const Aggregate<Account> other =
        co_await database.read([&](Transaction& tx) { return accounts.load(tx, "2"); });

    EXPECT_EQ(found.state().balance, 1001);
    EXPECT_EQ(found.version(), 1000);
    EXPECT_TRUE(found.pending().empty());
    EXPECT_FALSE(other.exists());
  }());
}

TEST(Repository, LoadsAnAggregateAsItWas) {
  tests::SimulatedSqlite sqlite(1);
  sqlite::Database& database = sqlite.database();
  const Repository<Account> accounts(database.event_log());

  sqlite.run([&]() -> Task<void> {
    co_await database.transaction([&](Transaction& tx) -> Task<void> {
      Aggregate<Account> account("1");
      account.raise(Opened{"Ann"});
      for (int i = 0; i < 999; ++i)
        account.raise(Deposited{1});
      co_await accounts.append(tx, account);
      account = co_await accounts.load(tx, "1");
      account.raise(Deposited{1});
      account.raise(Deposited{1});
      co_await accounts.append(tx, account);
    });
    const auto balance_after = [&](std::int64_t version) -> Task<std::int64_t> {
      co_return co_await database.read([&](Transaction& tx) -> Task<std::int64_t> {
        co_return (co_await accounts.load_as_of(tx, "1", version)).state().balance;
      });
    };

    EXPECT_EQ(co_await balance_after(0), 0);
    EXPECT_EQ(co_await balance_after(5), 5);
    EXPECT_EQ(co_await balance_after(1000), 1000);
    EXPECT_EQ(co_await balance_after(1001), 1001);
    EXPECT_EQ(co_await balance_after(5000), 1001);
  }());
}

TEST(Repository, RefusesAChangeOfWhatSomeoneElseChanged) {
  tests::SimulatedSqlite sqlite(1);
  sqlite::Database& database = sqlite.database();
  const Repository<Account> accounts(database.event_log());
  Aggregate<Account> account("1");
  account.raise(Opened{"Ann"});
  const auto store = [&]() -> Task<void> {
    co_await database.transaction([&](Transaction& tx) { return accounts.append(tx, account); });
  };

  sqlite.run(store());

  EXPECT_EQ(condition_of([&] { sqlite.run(store()); }), Condition::conflict);
}

TEST(Repository, RepeatsTheWorkOfAMessageWithoutEffect) {
  tests::SimulatedSqlite sqlite(1);
  sqlite::Database& database = sqlite.database();
  const Repository<Account> accounts(database.event_log());
  event::Lineage lineage;
  lineage.causation_id = sqlite.node().new_id();
  Aggregate<Account> account("1");
  account.raise(Opened{"Ann"});
  const auto store = [&]() -> Task<Appended> {
    co_return co_await database.transaction(
        [&](Transaction& tx) { return accounts.append(tx, account, lineage); });
  };

  const Appended first = sqlite.node().run(store());
  const Appended again = sqlite.node().run(store());

  EXPECT_FALSE(first.repeated);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.position, first.position);
}

}  // namespace
}  // namespace sinew::store
