#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "examples/commerce/test_input.hpp"
#include "examples/commerce/test_system.hpp"
#include "sinew/context/naming.hpp"

// What stands around the handlers of payment.
namespace commerce::test {
namespace {

class Money : public testing::TestWithParam<sinew::sim::Databases> {};
INSTANTIATE_TEST_SUITE_P(Databases, Money,
                         testing::Values(sinew::sim::Databases::plain,
                                         sinew::sim::Databases::interleaving),
                         [](const auto& test) {
                           const bool plain = test.param == sinew::sim::Databases::plain;
                           return std::string(plain ? "plain" : "interleaving");
                         });

// Its Retry-After is waited for in the database, and is no failed attempt.
TEST_P(Money, AProviderThatSaysWhenToComeAgainIsAskedThen) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.provider.busy_until = system.simulation().wall_now() + std::chrono::seconds(40);

  system.post("sales", "/orders", order("1"));
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "confirmed");
  EXPECT_LE(system.provider.sent_away, 2);
  const auto requests = system.get("payment", "/payments/1/requests").json().at("requests");
  ASSERT_EQ(requests.as_array().size(), 1) << to_text(requests);
  EXPECT_EQ(requests.as_array().at(0).at("type").as_string(), "payment.charge");
  EXPECT_EQ(requests.as_array().at(0).at("source").as_string(), "/sales");
  EXPECT_EQ(requests.as_array().at(0).at("attempt").as_integer(), 1);
  expect_balanced(system);
}

// A command that reached payment from elsewhere moves no money; an operator sees it.
TEST_P(Money, NobodyButSalesMovesMoney) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();
  sinew::event::Envelope forged;
  forged.id = system.node().new_id();
  forged.source = "/reporting";
  forged.type = payment::Refund::type.name;
  forged.version = payment::Refund::type.version;
  forged.ordering_key = "1";
  forged.data = sinew::SharedBytes(std::string(R"({"order_id":"1"})"));
  system.node().run(system.context("sales").database().transaction(
      [&](sinew::store::Transaction& tx) -> Task<void> {
        sinew::store::Outbox outbox;
        co_await outbox.insert(tx, sinew::context::commands_of("payment"), forged);
      }));
  system.settle();

  EXPECT_EQ(system.activity().parked, 1);
  EXPECT_EQ(system.provider.bodies().size(), 1) << "the charge alone";
  EXPECT_EQ(system.audit("payment").orders.at("1").live, true);
}

}  // namespace
}  // namespace commerce::test
