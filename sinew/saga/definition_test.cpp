#include "sinew/saga/definition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "sinew/saga/builder.hpp"

namespace sinew::saga {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct Data {
  std::string order;
  std::int32_t reserved = 0;
};
BOOST_DESCRIBE_STRUCT(Data, (), (order, reserved))

struct Done {
  static constexpr event::EventType type{"stock.reserve.reply", 1};
  std::int32_t units = 0;
};
BOOST_DESCRIBE_STRUCT(Done, (), (units))

struct Reserve {
  static constexpr event::EventType type{"stock.reserve", 3};
  using Reply = Done;
  std::string order;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (order))

auto make() {
  return [](const Data& data) { return Reserve{data.order}; };
}
auto reserve() { return ask<Reserve>(make()); }

Builder<Data> valid() {
  return define<Data>("place-order", Version{2})
      .step("reserve", reserve())
      .compensate(reserve())
      .pivot("charge", reserve())
      .step("ship", reserve());
}

// As it may come from elsewhere than the builder.
Definition with_kind(std::size_t step, StepKind kind) {
  Definition definition = valid();
  definition.steps.at(step).kind = kind;
  return definition;
}

std::string complaint(const Definition& definition) {
  try {
    validate(definition);
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    return error.detail();
  }
  return "valid";
}

TEST(Definition, AcceptsCompensatableStepsAPivotAndRetriableOnes) {
  const Definition definition = valid();

  EXPECT_EQ(complaint(definition), "valid");
  EXPECT_EQ(definition.version, 2);
  EXPECT_EQ(definition.steps[0].kind, StepKind::compensatable);
  EXPECT_EQ(definition.steps[1].kind, StepKind::pivot);
  EXPECT_EQ(definition.steps[2].kind, StepKind::retriable);
  EXPECT_EQ(definition.steps[2].retry.max_attempts, forever);
  EXPECT_EQ(definition.steps[0].retry.max_attempts, messaging::RetrySettings{}.max_attempts);
}

TEST(Definition, RefusesEachBrokenRule) {
  struct {
    const char* name;
    Definition definition;
    const char* says;
  } const cases[] = {
      {"two pivots", valid().pivot("ship-it", reserve()), "2 pivots; a saga has at most one"},
      {"compensated pivot",
       define<Data>("a", Version{1}).pivot("charge", reserve()).compensate(reserve()),
       "step charge is the pivot and cannot be compensated"},
      {"compensation after the pivot", valid().compensate(reserve()),
       "step ship comes after the pivot and cannot be compensated"},
      {"one that can go back behind the pivot", with_kind(2, StepKind::compensatable),
       "step ship comes after the pivot and must be retriable"},
      {"one that cannot go back before the pivot", with_kind(0, StepKind::retriable),
       "step reserve is retriable, which only steps after a pivot can be"},
      {"two steps of one name", valid().step("reserve", reserve()), "two steps are called reserve"},
      {"a step without anything", valid().step("idle"), "step idle does nothing"},
      {"no steps", define<Data>("a", Version{1}), "a saga has 1 to 50 steps"},
      {"version 0", define<Data>("a", Version{0}).step("s", reserve()), "a version is at least 1"},
      {"name", define<Data>("Place", Version{1}).step("s", reserve()), "a saga's name is"},
      {"step name", valid().step("Ship It", reserve()), "step name \"Ship It\""},
      {"timeout too short", valid().timeout(9ms), "step ship: a timeout is 10 ms to 30 days"},
      {"timeout too long", valid().timeout(24h * 31), "step ship: a timeout is 10 ms to 30 days"},
      {"no attempt", valid().retry({.max_attempts = 0}), "step ship: at least one attempt"},
  };
  for (const auto& each : cases)
    EXPECT_THAT(complaint(each.definition), HasSubstr(each.says)) << each.name;
}

TEST(Definition, RefusesMoreThanFiftySteps) {
  auto builder = define<Data>("long", Version{1});
  for (int i = 0; i < 50; ++i)
    builder.step("s" + std::to_string(i), reserve());
  EXPECT_EQ(complaint(builder), "valid");

  builder.step("one-more", reserve());
  EXPECT_THAT(complaint(builder), HasSubstr("1 to 50 steps"));
}

TEST(Definition, ReportsAllBrokenRulesAtOnce) {
  const auto text = complaint(define<Data>("Bad", Version{0})
                                  .pivot("charge", reserve())
                                  .compensate(reserve())
                                  .pivot("charge", reserve())
                                  .timeout(1ms));

  for (const char* part : {"saga Bad: ", "a saga's name is", "version", "step charge is the pivot",
                           "two steps are called charge", "a timeout is", "2 pivots"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(Builder, MakesTheCommandFromTheDataAndTakesItsReply) {
  const Definition definition =
      define<Data>("a", Version{1})
          .step("reserve", ask<Reserve>(make(), [](Data& data, const Done& done) {
                  data.reserved += done.units;
                }));
  const Work& work = definition.steps[0].action;
  const Json data = to_json(Data{"o-1", 4});

  const Command command = work.command(data);
  EXPECT_EQ(command.type, "stock.reserve");
  EXPECT_EQ(command.version, 3);
  EXPECT_EQ(to_text(command.data), R"({"order":"o-1"})");
  EXPECT_EQ(to_text(work.take_reply(data, to_json(Done{3}))), R"({"order":"o-1","reserved":7})");
  EXPECT_THROW(work.take_reply(data, Json("no object")), Error);
}

TEST(Builder, LeavesTheDataAloneWhenTheReplyIsNotTaken) {
  const Definition definition = define<Data>("a", Version{1}).step("reserve", reserve());
  const Json data = to_json(Data{"o-1", 4});
  EXPECT_EQ(definition.steps[0].action.take_reply(data, to_json(Done{3})), data);
}

}  // namespace
}  // namespace sinew::saga
