#include "sinew/event/upcasters.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

namespace sinew::event {
namespace {

JsonObject add_currency(JsonObject data) { return std::move(data.set("currency", "USD")); }
JsonObject name_total(JsonObject data) {
  data.set("total", *data.find("sum"));
  data.erase("sum");
  return data;
}

Upcasters orders() {
  Upcasters upcasters;
  upcasters.add("order", 1, add_currency).add("order", 2, name_total);
  return upcasters;
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

TEST(Upcasters, ChainStepsToTheVersionAsked) {
  const JsonObject first{{"sum", 5}};

  EXPECT_EQ(orders().lift("order", 1, 3, first), (JsonObject{{"total", 5}, {"currency", "USD"}}));
  EXPECT_EQ(orders().lift("order", 1, 2, first), (JsonObject{{"sum", 5}, {"currency", "USD"}}));
  EXPECT_EQ(orders().lift("order", 3, 3, first), first);
}

TEST(Upcasters, LeaveANewerVersionToANewerReader) {
  EXPECT_EQ(condition_of([] { orders().lift("order", 4, 3, {}); }), Condition::unsupported);
}

TEST(Upcasters, CannotLiftWhatNothingIsRegisteredFor) {
  EXPECT_EQ(condition_of([] { orders().lift("invoice", 1, 2, {}); }), Condition::unsupported);
  EXPECT_EQ(condition_of([] { orders().lift("order", 1, 4, {}); }), Condition::unsupported);

  Upcasters late;
  late.add("order", 2, name_total);
  EXPECT_EQ(condition_of([&] { late.lift("order", 1, 3, {}); }), Condition::unsupported);
}

TEST(Upcasters, RefuseGapsAndDoublesAtRegistration) {
  EXPECT_EQ(condition_of([] { orders().add("order", 4, name_total); }), Condition::invalid_input);
  EXPECT_EQ(condition_of([] { orders().add("order", 2, name_total); }), Condition::invalid_input);
  EXPECT_EQ(condition_of([] { orders().add("x", 0, name_total); }), Condition::invalid_input);
  EXPECT_EQ(condition_of([] { orders().add("x", 1, nullptr); }), Condition::invalid_input);
}

TEST(Upcasters, MustReachTheVersionOfTheStruct) {
  EXPECT_NO_THROW(orders().check({"order", 3}));
  EXPECT_NO_THROW(orders().check({"invoice", 7}));
  EXPECT_EQ(condition_of([] { orders().check({"order", 4}); }), Condition::invalid_input);
  EXPECT_EQ(condition_of([] { orders().check({"order", 2}); }), Condition::invalid_input);
}

}  // namespace
}  // namespace sinew::event
