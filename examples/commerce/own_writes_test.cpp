#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "examples/commerce/test_input.hpp"
#include "examples/commerce/test_system.hpp"
#include "sinew/http/client.hpp"

// Who changes an order finds the change in the list, which is made of a view.
namespace commerce::test {
namespace {

using testing::HasSubstr;

class OwnWrites : public testing::TestWithParam<sinew::sim::Databases> {};
INSTANTIATE_TEST_SUITE_P(Databases, OwnWrites,
                         testing::Values(sinew::sim::Databases::plain,
                                         sinew::sim::Databases::interleaving),
                         [](const auto& test) {
                           const bool plain = test.param == sinew::sim::Databases::plain;
                           return std::string(plain ? "plain" : "interleaving");
                         });

std::string position_of(const Response& response) {
  return std::string(response.headers.get("Sinew-Position"));
}

Response list(TestSystem& system, std::string position) {
  return system.send("sales", {.method = sinew::http::Method::get,
                               .url = "/orders",
                               .headers = {{"Sinew-Min-Position", std::move(position)}}});
}

// The status of each order in the list: "1 placed, 2 confirmed".
std::string listed(TestSystem& system, std::string position) {
  const Response response = list(system, std::move(position));
  if (!response.success()) return response.body;
  std::string text;
  for (const Json& order : response.json().at("orders").as_array()) {
    text += (text.empty() ? "" : ", ") + order.at("order_id").as_string() + ' ' +
            order.at("status").as_string();
  }
  return text;
}

TEST_P(OwnWrites, AnOrderStandsInTheListOfWhoPlacedIt) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  const auto placed = system.post("sales", "/orders", order("1"));
  const std::string list = listed(system, position_of(placed));

  EXPECT_EQ(placed.status, 201) << placed.body;
  EXPECT_THAT(list, HasSubstr("1 "));
}

TEST_P(OwnWrites, ABasketStandsInTheListWhole) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  const auto placed = system.post(
      "sales", "/baskets",
      basket({order("1", "pm_card_visa", 2), order("2", "pm_card_visa", 2), order("3")}));
  const std::string list = listed(system, position_of(placed));

  EXPECT_THAT(list, HasSubstr("1 "));
  EXPECT_THAT(list, HasSubstr("3 "));
}

TEST_P(OwnWrites, ACancellationStandsInTheListOfWhoAskedForIt) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();

  const auto cancelled =
      system.post("sales", "/orders/1/cancel", Json(JsonObject{{"reason", "found it cheaper"}}));
  const std::string list = listed(system, position_of(cancelled));

  EXPECT_EQ(cancelled.status, 202) << cancelled.body;
  EXPECT_THAT(list, HasSubstr("1 cancel"));
}

// Its first answer, and with it the position, may have been lost.
TEST_P(OwnWrites, ARepeatedCommandBringsItsPositionToo) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));

  const auto again = system.post("sales", "/orders", order("1"));
  const std::string list = listed(system, position_of(again));

  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_THAT(list, HasSubstr("1 "));
}

TEST_P(OwnWrites, TheJournalSaysHowFarTheLogGoes) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.post("sales", "/orders", order("2", "pm_card_visa", 1));

  const auto journal = system.get("sales", "/journal?limit=1");
  const std::string list = listed(system, position_of(journal));

  EXPECT_THAT(list, HasSubstr("2 "));
}

TEST(OwnWritesOf, AnEmptyLogHasNoPosition) {
  TestSystem system;

  EXPECT_FALSE(system.get("sales", "/journal").headers.has("Sinew-Position"));
}

TEST(OwnWritesOf, APositionOfAnotherLogIsABadRequest) {
  TestSystem system;
  supply(system);
  system.post("sales", "/orders", order("1"));

  const auto foreign = list(system, "inventory:0000000000000001");
  const auto beyond = list(system, "sales:00000000ffffffff");

  EXPECT_EQ(foreign.status, 400) << foreign.body;
  EXPECT_THAT(foreign.body, HasSubstr("this is no place in the log of sales"));
  EXPECT_EQ(beyond.status, 400) << beyond.body;
  EXPECT_THAT(beyond.body, HasSubstr("the log ends at"));
}

}  // namespace
}  // namespace commerce::test
