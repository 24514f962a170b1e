#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "examples/commerce/test_input.hpp"

namespace commerce::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What the journal says, all of its pages.
std::vector<std::string> journal(TestSystem& system, const std::string& query) {
  std::vector<std::string> facts;
  std::string after;
  for (;;) {
    const auto answer =
        system.get("sales", "/journal?limit=2" + (after.empty() ? query : "&after=" + after));
    if (!answer.success()) return {answer.body};
    const Json page = answer.json();
    for (const Json& fact : page.at("facts").as_array())
      facts.push_back(fact.at("type").as_string() + " " + fact.at("order_id").as_string());
    after = page.at("next").as_string();
    if (page.at("at_end").as_bool()) return facts;
  }
}

TEST(Journal, TellsWhatHappenedToOrdersInTurn) {
  TestSystem system;
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();
  system.post("sales", "/orders", order("2", "pm_card_visa_chargeDeclined"));
  system.settle();

  EXPECT_THAT(journal(system, ""), ElementsAre("order.placed 1", "order.confirmed 1",
                                               "order.placed 2", "order.rejected 2"));
}

TEST(Journal, TellsOfOneKindSinceATime) {
  TestSystem system;
  supply(system);
  for (const char* id : {"1", "2", "3"}) {
    system.post("sales", "/orders", order(id, "pm_card_visa", 2));
    system.settle();
    system.run_for(std::chrono::seconds(60));
  }
  const auto first = system.get("sales", "/journal?limit=1&type=order.placed").json();
  const auto at = first.at("facts").as_array().at(0).at("at").as_string();
  const auto later = sinew::to_rfc3339(sinew::parse_rfc3339(at) + std::chrono::seconds(30));

  const auto placed = system.get("sales", "/journal?type=order.placed&since=" + later).json();

  ASSERT_EQ(placed.at("facts").as_array().size(), 2);
  EXPECT_EQ(placed.at("facts").as_array().at(0).at("order_id").as_string(), "2");
  EXPECT_TRUE(placed.at("at_end").as_bool());
}

TEST(Journal, RefusesWhatItCannotRead) {
  TestSystem system;
  const struct {
    const char* query;
    const char* says;
  } rows[] = {
      {"?since=yesterday", "since"},
      {"?after=xyz", "a position in a log"},
      {"?after=7fffffffffffffff", "the log ends"},
      {"?after=00&since=2026-01-01T00:00:00Z", "one of both"},
      {"?limit=0", "limit"},
      {"?limit=1001", "limit"},
  };
  for (const auto& row : rows) {
    const auto refused = system.get("sales", std::string("/journal") + row.query);
    EXPECT_EQ(refused.status, 400) << row.query << refused.body;
    EXPECT_THAT(refused.body, HasSubstr(row.says)) << row.query;
  }
}

}  // namespace
}  // namespace commerce::test
