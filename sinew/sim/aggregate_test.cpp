#include "sinew/sim/aggregate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/sim/failure.hpp"

namespace sinew::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Opened {
  static constexpr event::EventType type{"account.opened", 2};
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(Opened, (), (owner))
struct Paid {
  static constexpr event::EventType type{"account.paid", 1};
  std::int64_t amount = 0;
  std::string from;
};
BOOST_DESCRIBE_STRUCT(Paid, (), (amount, from))
struct Forgotten {
  static constexpr event::EventType type{"account.forgotten", 1};
};
BOOST_DESCRIBE_STRUCT(Forgotten, (), ())

struct Account {
  static constexpr std::string_view category = "account";
  using Events = store::EventTypes<Opened, Paid>;
  void apply(const Opened& event) { owner = event.owner; }
  void apply(const Paid& event) { balance += event.amount; }
  void apply(const Forgotten&) {}

  Paid pay(std::int64_t amount) const {
    if (amount <= 0) throw Error(Condition::invalid_input, "an amount is positive");
    return {amount, owner};
  }
  messaging::Answer<Paid> withdraw(std::int64_t amount) const {
    if (amount > balance) return messaging::Rejection{"too_few", "there are fewer"};
    return Paid{-amount, owner};
  }

  std::string owner;
  std::int64_t balance = 0;
};

std::string failure_of(const std::function<void()>& test) {
  try {
    test();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "it did not fail";
}

TEST(AggregateTest, TellsWhatFollows) {
  given<Account>({Opened{"ann"}, Paid{10, "bob"}})
      .when(&Account::withdraw, 4)
      .then(Paid{-4, "ann"})
      .when(&Account::withdraw, 7)
      .then_refused("too_few")
      .when(&Account::pay, 0)
      .then_refused(Condition::invalid_input, "positive");
}

TEST(AggregateTest, TakesEventsAsTheyAreDecided) {
  auto account = given<Account>(Opened{"ann"});

  account.when([] { return std::vector{Paid{1, "x"}, Paid{2, "y"}}; })
      .then({Paid{1, "x"}, Paid{2, "y"}});
  account.when([](store::Aggregate<Account>& a) { a.raise(Paid{3, "z"}); }).then(Paid{3, "z"});
  account.when([](const Account&) { return std::optional<Paid>(); }).then_nothing();

  EXPECT_EQ(account.state().balance, 6);
}

TEST(AggregateTest, LiftsFactsOfOlderVersions) {
  const auto upcasters = event::Upcasters().add("account.opened", 1, [](JsonObject data) {
    data.set("owner", "nobody");
    return data;
  });

  const auto account = given<Account>(Payload("account.opened", 1, JsonObject{}), upcasters);

  EXPECT_EQ(account.state().owner, "nobody");
}

TEST(AggregateTest, SaysWhichEventDiffersAndWhere) {
  const std::string text = failure_of([] {
    given<Account>(Opened{"ann"})
        .when([] { return std::vector{Paid{1, "x"}, Paid{2, "y"}}; })
        .then({Paid{1, "x"}, Paid{3, "y"}});
  });

  EXPECT_THAT(text,
              AllOf(HasSubstr("aggregate_test.cpp:"),
                    HasSubstr("event 2, account.paid, differs\n    amount: expected 3, found 2"),
                    HasSubstr("found:\n    1. account.paid v1 {\"amount\":1,\"from\":\"x\"}")));
}

TEST(AggregateTest, SaysWhatIsMissingAndWhatIsTooMuch) {
  auto account = given<Account>(Opened{"ann"});
  account.when(&Account::pay, 1);

  EXPECT_THAT(failure_of([&] { account.then({Paid{1, "ann"}, Paid{2, "ann"}}); }),
              HasSubstr("event 2, account.paid, is missing"));
  EXPECT_THAT(
      failure_of([&] { account.then_nothing(); }),
      AllOf(HasSubstr("event 1, account.paid, was not expected"), HasSubstr("expected: nothing")));
  EXPECT_THAT(failure_of([&] { account.then(Opened{"bob"}); }),
              HasSubstr("event 1 is account.paid v1, expected account.opened v2"));
}

TEST(AggregateTest, SaysWhyItWasRefusedAndThatItWasNot) {
  auto account = given<Account>(Opened{"ann"});

  account.when(&Account::pay, 0);
  EXPECT_THAT(failure_of([&] { account.then(Paid{0, "ann"}); }),
              HasSubstr("refused with invalid_input: an amount is positive"));
  EXPECT_THAT(failure_of([&] { account.then_refused(Condition::conflict); }),
              HasSubstr("expected a refusal with conflict, found invalid_input"));
  EXPECT_THAT(failure_of([&] { account.then_refused("too_few"); }), HasSubstr("code too_few"));
  account.when(&Account::pay, 1);
  EXPECT_THAT(failure_of([&] { account.then_refused(Condition::conflict); }),
              HasSubstr("it was not refused; there followed\n    account.paid v1"));
}

// What raise() takes although the aggregate's list of events has forgotten it: the next load fails.
TEST(AggregateTest, NoticesAnEventThatCannotBeReadBack) {
  EXPECT_THROW(given<Account>().when([] { return Forgotten{}; }), Error);
}

TEST(Differences, AreCutAfterTen) {
  JsonArray expected;
  JsonArray found;
  for (int i = 0; i < 13; ++i) {
    expected.emplace_back(i);
    found.emplace_back(i + 1);
  }

  const auto lines = differences(expected, found);

  EXPECT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines.front(), "[0]: expected 0, found 1");
  EXPECT_EQ(lines.back(), "... and 3 more");
}

TEST(Differences, NameMembersOnEitherSide) {
  const auto lines =
      differences(parse_json(R"({"a":{"b":1},"c":2})"), parse_json(R"({"a":{"d":1},"c":2})"));

  EXPECT_THAT(lines,
              testing::ElementsAre("a.b: expected 1, found nothing", "a.d: not expected, found 1"));
}

TEST(ForSeeds, NamesTheSeedThatFailedAndStopsThere) {
  std::vector<std::uint64_t> seeds;
  const auto story = [&](std::uint64_t seed) {
    seeds.push_back(seed);
    if (seed == 3) throw Failure("the books do not balance");
  };

  EXPECT_THAT(failure_of([&] { for_seeds(5, story); }),
              AllOf(StartsWith("the books do not balance"), HasSubstr("SINEW_SEED=3")));
  EXPECT_EQ(seeds.size(), 3U);
  EXPECT_THAT(failure_of([&] { for_seeds(5, [](auto) {}, [] { return true; }); }),
              HasSubstr("SINEW_SEED=1"));
}

}  // namespace
}  // namespace sinew::sim
