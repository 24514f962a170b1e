#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "examples/commerce/test_input.hpp"
#include "examples/commerce/test_system.hpp"
#include "sinew/context/projection_operations.hpp"

// The list of orders is made anew while orders come in, and is what it was.
namespace commerce::test {
namespace {

using testing::IsEmpty;
using testing::Not;

class Rebuild : public testing::TestWithParam<sinew::sim::Databases> {
 protected:
  Json operate(const std::string& what) {
    auto& sales = system.context("sales");
    return system.node().run(sinew::context::operate_on_projections(
        {sales.runtime(), sales.database(), "ann", Json(JsonObject{{"projection", "orders"}})},
        what, sales.projections()));
  }
  std::int64_t generation() {
    return operate("show").at("projection").at("generation").as_integer();
  }
  void until_swapped() {
    for (int look = 0; look < 1000 && generation() == 1; ++look)
      system.run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(generation(), 2);
  }
  // Order, status, history and seal of each row.
  std::vector<std::string> rows() {
    return system.node().run(system.context("sales").database().read(
        [](sinew::store::Transaction& tx) -> Task<std::vector<std::string>> {
          std::vector<std::string> lines;
          for (const auto row : co_await tx.execute("SELECT order_id || ' ' || status || ' ' || "
                                                    "history || ' ' || seal FROM orders "
                                                    "ORDER BY order_id"))
            lines.push_back(row.text(0));
          co_return lines;
        }));
  }
  void damage() {
    system.node().run(system.context("sales").database().transaction(
        [](sinew::store::Transaction& tx) -> Task<void> {
          co_await tx.execute("UPDATE orders SET status = 'shipped', payable = payable + 1");
        }));
  }

  TestSystem system{1, {.databases = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Databases, Rebuild,
                         testing::Values(sinew::sim::Databases::plain,
                                         sinew::sim::Databases::interleaving),
                         [](const auto& test) {
                           const bool plain = test.param == sinew::sim::Databases::plain;
                           return std::string(plain ? "plain" : "interleaving");
                         });

TEST_P(Rebuild, MakesTheListThatStoodBefore) {
  supply(system);
  for (const char* id : {"1", "2", "3", "4"})
    system.post("sales", "/orders", order(id, "pm_card_visa", 1));
  system.settle();
  const auto before = rows();
  damage();
  EXPECT_THAT(system.audit("sales").problems, Not(IsEmpty()));

  operate("rebuild");
  until_swapped();

  EXPECT_EQ(rows(), before);
  EXPECT_THAT(system.audit("sales").problems, IsEmpty());
}

TEST_P(Rebuild, MissesNothingThatHappensMeanwhile) {
  supply(system);
  for (int id = 1; id <= 6; ++id)
    system.post("sales", "/orders", order(std::to_string(id), "pm_card_visa", 1));
  system.settle();
  damage();

  operate("rebuild");
  for (int id = 7; id <= 12; ++id)
    system.post("sales", "/orders", order(std::to_string(id), "pm_card_visa", 1));
  until_swapped();
  system.settle();

  EXPECT_EQ(rows().size(), 12U);
  EXPECT_THAT(system.audit("sales").problems, IsEmpty());
  expect_balanced(system);
}

}  // namespace
}  // namespace commerce::test
