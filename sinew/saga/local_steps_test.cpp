#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sinew/saga/test_orchestrator.hpp"

namespace sinew::saga {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class LocalSteps : public OrchestratorTest {
 protected:
  void SetUp() override {
    OrchestratorTest::SetUp();
    restart(define<Order>("place-order", Version{1})
                .step("reserve", ask_for<Reserve>())
                .compensate(ask_for<Release>())
                .step("first", write(first))
                .compensate(write(undo))
                .retry({.max_attempts = 2, .first_delay = 2s, .max_delay = 2s})
                .step("second", write(second))
                .retry({.max_attempts = 2, .first_delay = 2s, .max_delay = 2s})
                .step("ship", ask_for<Ship>()));
    start("1");
  }

  std::shared_ptr<Scribe> first = std::make_shared<Scribe>(Scribe{"first"});
  std::shared_ptr<Scribe> second = std::make_shared<Scribe>(Scribe{"second"});
  std::shared_ptr<Scribe> undo = std::make_shared<Scribe>(Scribe{"undo"});
};

TEST_F(LocalSteps, RunInTheTransactionOfTheTransition) {
  accept(command("stock.reserve"));

  command("carrier.ship");
  EXPECT_THAT(written(), ElementsAre("first", "second"));
  EXPECT_EQ(to_text(saga("1").data), R"({"id":"1","units":201})");
}

TEST_F(LocalSteps, AreRolledBackAndTriedAgainLater) {
  second->failures = 1;
  accept(command("stock.reserve"));
  EXPECT_THAT(written(), ElementsAre("first"));
  EXPECT_EQ(saga("1").error, "second failed: second does not work");

  command("carrier.ship", 3s);

  EXPECT_THAT(written(), ElementsAre("first", "second"));
  EXPECT_EQ(to_text(saga("1").data), R"({"id":"1","units":201})");
}

TEST_F(LocalSteps, AreCompensatedWhenTheyNeverWork) {
  second->failures = 100;
  accept(command("stock.reserve"));

  accept(command("stock.release", 3s));

  EXPECT_THAT(written(), ElementsAre("first", "undo"));
  EXPECT_EQ(status("1"), "compensated");
}

TEST_F(LocalSteps, MayFailInBothDirectionsOfOneTransition) {
  second->failures = 100;
  undo->failures = 1;
  accept(command("stock.reserve"));

  accept(command("stock.release", 6s));

  EXPECT_THAT(written(), ElementsAre("first", "undo"));
  EXPECT_EQ(status("1"), "compensated");
}

TEST_F(LocalSteps, ThatFailBackwardDidNotFailForward) {
  restart(define<Order>("place-order", Version{2})
              .step("reserve", ask_for<Reserve>())
              .step("first", write(first))
              .compensate(write(undo))
              .step("second", write(second))
              .retry({.max_attempts = 1}));
  second->failures = 100;
  undo->failures = 1;
  start("2");
  command("stock.reserve");  // of the saga that SetUp started
  accept(command("stock.reserve"));

  EXPECT_EQ(status("2"), "compensating");
  EXPECT_THAT(written(), ElementsAre("first"));
}

TEST_F(LocalSteps, LetTheReplyComeAgainWhenTheDatabaseIsTheReason) {
  first->failures = 1;
  first->with = Condition::unavailable;
  const auto reply = reply_to(command("stock.reserve"), {to_json(Units{1}), std::nullopt});

  EXPECT_EQ(error_of([&] { deliver(reply); }).condition(), Condition::unavailable);
  EXPECT_EQ(saga("1").step, 0);
  deliver(reply);

  command("carrier.ship");
}

}  // namespace
}  // namespace sinew::saga
