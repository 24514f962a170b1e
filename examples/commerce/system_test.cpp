#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "examples/commerce/test_input.hpp"
#include "examples/commerce/test_system.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/context/naming.hpp"
#include "sinew/context/operations.hpp"

namespace commerce::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Over SQLite as it is, and over databases that suspend, interleave and run bodies again.
class Commerce : public testing::TestWithParam<sinew::sim::Databases> {};
INSTANTIATE_TEST_SUITE_P(Databases, Commerce,
                         testing::Values(sinew::sim::Databases::plain,
                                         sinew::sim::Databases::interleaving),
                         [](const auto& test) {
                           const bool plain = test.param == sinew::sim::Databases::plain;
                           return std::string(plain ? "plain" : "interleaving");
                         });

TEST_P(Commerce, AnOrderWalksTheWholeSaga) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  const auto placed = system.post("sales", "/orders", order("10248"));
  system.settle();

  EXPECT_EQ(placed.status, 201) << placed.body;
  EXPECT_EQ(placed.headers.get("Location"), "/orders/10248");
  EXPECT_EQ(status_of(system, "10248"), "confirmed");
  EXPECT_EQ(system.report("r1", "10248", "1996-07-16").status, 200);
  system.settle();
  EXPECT_EQ(status_of(system, "10248"), "shipped");
  EXPECT_EQ(system.activity().parked, 0);
  expect_balanced(system);
}

// The view follows the log by its commits: no time passes in between, but what a database takes.
TEST(CommerceViews, AnOrderStandsInTheListAtOnce) {
  TestSystem system;
  supply(system);

  system.post("sales", "/orders", order("1"));
  system.run_for(std::chrono::milliseconds(20));

  const auto list = system.get("sales", "/orders").json();
  ASSERT_EQ(list.at("orders").as_array().size(), 1);
  EXPECT_EQ(list.at("orders").as_array().at(0).at("order_id").as_string(), "1");
}

TEST_P(Commerce, ADeclinedCardUndoesTheOrder) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  system.post("sales", "/orders", order("1", "pm_card_visa_chargeDeclined"));
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "rejected");
  const auto inventory = system.audit("inventory");
  EXPECT_EQ(inventory.products.at(11).free, 30);
  EXPECT_EQ(inventory.orders.at("1").live, false);
  expect_balanced(system);
}

TEST_P(Commerce, TheSameOrderTwiceIsOneOrder) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  const auto first = system.post("sales", "/orders", order("7"));
  system.settle();
  const auto again = system.post("sales", "/orders", order("7"));
  const auto other = system.post("sales", "/orders", order("7", "pm_card_visa", 13));
  system.settle();

  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.json().at("order"), first.json().at("order"));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(system.audit("inventory").products.at(11).reserved, 12);
  EXPECT_EQ(system.provider.bodies().size(), 1);
}

TEST_P(Commerce, ABasketIsPlacedWholeOrNotAtAll) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("2"));

  const auto refused =
      system.post("sales", "/baskets", basket({order("1"), order("2", "pm_card_visa", 1)}));
  const auto missing = system.get("sales", "/orders/1");
  const auto placed = system.post(
      "sales", "/baskets",
      basket({order("1", "pm_card_visa", 2), order("2"), order("3", "pm_card_visa", 2)}));
  system.settle();
  const auto again = system.post(
      "sales", "/baskets",
      basket({order("1", "pm_card_visa", 2), order("2"), order("3", "pm_card_visa", 2)}));

  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("order 2"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(placed.status, 201) << placed.body;
  EXPECT_EQ(placed.json().at("orders").as_array().size(), 3);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(system.audit("sales").orders.size(), 3);
  expect_balanced(system);
}

TEST_P(Commerce, ABasketSaysEverythingThatIsWrongInIt) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  Json cents = order("1");
  cents.as_object().set("freight", "1.234");

  const auto refused = system.post("sales", "/baskets", basket({cents, order("2"), order("2")}));
  const auto empty = system.post("sales", "/baskets", basket({}));

  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("orders[0].freight"));
  EXPECT_THAT(refused.body, HasSubstr("orders[2].order_id"));
  EXPECT_EQ(empty.status, 400) << empty.body;
}

TEST_P(Commerce, RefusesAnOrderOfAnUnknownCustomer) {
  TestSystem system(1, {.databases = GetParam()});

  const auto refused = system.post("sales", "/orders", order("1"));

  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("customer_id"));
  EXPECT_THAT(system.audit("sales").orders, IsEmpty());
}

Json free_order(const std::string& id, std::int64_t carrier = 3) {
  Json free = order(id);
  for (auto& line : free.as_object().find("lines")->as_array())
    line.as_object().set("discount", "1");
  free.as_object().set("freight", "0");
  free.as_object().set("carrier_id", carrier);
  return free;
}

TEST_P(Commerce, AFreeOrderIsDeliveredWithoutACharge) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  system.post("sales", "/orders", free_order("1"));
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "confirmed");
  EXPECT_THAT(system.provider.bodies(), IsEmpty());
  const auto payment = system.get("payment", "/payments/1").json();
  EXPECT_EQ(payment.at("status").as_string(), "charged");
  expect_balanced(system);
}

TEST_P(Commerce, AFreeOrderThatNoCarrierTakesIsUndoneWithoutARefund) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  system.post("sales", "/orders", free_order("1", 9));
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "rejected");
  EXPECT_EQ(system.audit("inventory").products.at(11).free, 30);
  EXPECT_THAT(system.provider.bodies(), IsEmpty());
  expect_balanced(system);
}

TEST_P(Commerce, AnOrderForMoreThanThereIsIsRejected) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  system.post("sales", "/orders", order("1", "pm_card_visa", 31));
  system.settle();

  const auto answer = system.get("sales", "/orders/1").json();
  EXPECT_EQ(answer.at("status").as_string(), "rejected");
  EXPECT_THAT(answer.at("reason").as_string(), HasSubstr("out_of_stock"));
  EXPECT_THAT(system.provider.bodies(), IsEmpty());
  expect_balanced(system);
}

TEST_P(Commerce, AnOrderThatNoCarrierTakesIsRefundedAndReleased) {
  TestSystem system(1, {.databases = GetParam()});
  system.drop("sales", "customers", "customers.csv", customers);
  system.drop("inventory", "receipts", "receipts.csv", receipts);

  system.post("sales", "/orders", order("1"));
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "rejected");
  EXPECT_EQ(system.audit("payment").orders.at("1").live, false);
  EXPECT_EQ(system.audit("inventory").products.at(11).free, 30);
  EXPECT_EQ(system.provider.bodies().size(), 2);
  expect_balanced(system);
}

// Over HTTP, two queues and HTTP again, with a span of each one's own.
TEST_P(Commerce, TheTraceOfARequestReachesTheProvider) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  const auto trace = sinew::TraceContext::start(7, 8, 9, true);

  system.outside().run(sinew::async::with_trace(trace, [](TestSystem& to) -> Task<void> {
    co_await to.client().send({.method = sinew::http::Method::post,
                               .url = to.url_of("sales") + "/orders",
                               .headers = {{"Content-Type", "application/json"}},
                               .body = to_text(order("1"))});
  }(system)));
  system.settle();

  ASSERT_EQ(system.provider.traces().size(), 1);
  const auto arrived = sinew::TraceContext::parse(system.provider.traces()[0]);
  ASSERT_TRUE(arrived.has_value()) << system.provider.traces()[0];
  EXPECT_EQ(trace_id_text(*arrived), trace_id_text(trace));
  EXPECT_NE(span_id_text(*arrived), span_id_text(trace));
}

TEST_P(Commerce, AProviderThatLosesItsAnswersChargesOnce) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.provider.failures = 2;

  system.post("sales", "/orders", order("1"));
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "confirmed");
  EXPECT_EQ(system.provider.bodies().size(), 1);
  expect_balanced(system);
}

TEST_P(Commerce, TakesReportsInBinaryModeAndNoFieldThatIsNotSigned) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();
  const sinew::http::Headers headers = {{"Content-Type", "application/json"},
                                        {"Ce-Specversion", "1.0"},
                                        {"Ce-Id", "r1"},
                                        {"Ce-Source", "/carriers/3"},
                                        {"Ce-Type", "fulfillment.carrier_report"}};
  const std::string data = R"({"report_id":"r1","order_id":"1","shipped_date":"1996-07-16"})";

  EXPECT_EQ(system.report_binary(headers, data, {{"Ce-Source", "/carriers/1"}}).status, 401);
  EXPECT_EQ(system.report_binary(headers, data, {{"Ce-Hops", "7"}}).status, 401);
  EXPECT_EQ(system.report_binary({{"Content-Type", "application/json"}}, data).status, 415);
  EXPECT_EQ(system.report_binary(headers, R"({"report_id":"r1"})").status, 400);
  EXPECT_EQ(system.report_binary(headers, data).status, 200);
  EXPECT_EQ(system.report_binary(headers, data).status, 200) << "it came before";
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "shipped");
  expect_balanced(system);
}

TEST_P(Commerce, TakesReportsBySignatureOnceAndInOneMeaning) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  EXPECT_EQ(system.report("r1", "1", "1996-07-16").status, 404);
  system.post("sales", "/orders", order("1"));
  system.settle();

  EXPECT_EQ(system.report("r1", "1", "1996-07-16").status, 200);
  EXPECT_EQ(system.report("r1", "1", "1996-07-16").status, 200);
  EXPECT_EQ(system.report("r1", "1", "1996-07-17").status, 409);
  EXPECT_EQ(system.report("r2", "1", "1996-07-17").status, 409);
  EXPECT_EQ(system
                .send("fulfillment", {.method = sinew::http::Method::post,
                                      .url = "/carrier/reports",
                                      .headers = {{"Content-Type", "application/json"}},
                                      .body = "{}"})
                .status,
            401);
  system.settle();
  EXPECT_EQ(system.audit("inventory").products.at(11).shipped, 12);
  expect_balanced(system);
}

TEST_P(Commerce, RefusesAReportThatIsNoCloudEventWithThePath) {
  TestSystem system(1, {.databases = GetParam()});
  const Json report = sinew::parse_json(
      R"({"specversion":"1.0","id":"r1","source":"/carriers/3","type":"fulfillment.shipped",)"
      R"("data":{"report_id":"r1","order_id":"1","shipped_date":"1996-07-16"}})");

  const auto wrong = system.report(report);
  const auto plain = system.report(report.at("data"), "application/json");

  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.json().at("errors").as_array().at(0).at("path").as_string(), "type");
  EXPECT_EQ(plain.status, 415);
}

TEST_P(Commerce, BadLinesAreRefusedAndTheOthersTaken) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  system.drop("inventory", "receipts", "more.csv",
              "ProductID,ProductName,SupplierID,CategoryID,Quantity,UnitsOnOrder,Discontinued\n"
              "12,Queso Manchego,5,4,-1,0,0\n"
              "13,Konbu,6,8\n"
              "11,Queso Cabrales,5,4,5,10,0\n"
              "14,Tofu,6,7,3,0,0");
  system.settle();

  const auto audit = system.audit("inventory");
  ASSERT_EQ(audit.refused.size(), 3);
  EXPECT_EQ(audit.refused[0].place, "more.csv:2");
  EXPECT_THAT(audit.refused[0].reason, HasSubstr("Quantity"));
  EXPECT_EQ(audit.refused[1].place, "more.csv:3");
  EXPECT_EQ(audit.refused[2].place, "more.csv:5");
  EXPECT_EQ(audit.products.at(11).opening, 35);
  EXPECT_FALSE(audit.products.contains(14));
}

TEST_P(Commerce, AFileThatComesAgainWithAnotherLineAddsOnlyThat) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);

  system.drop("inventory", "receipts", "receipts.csv",
              std::string(receipts) + "43,Ipoh Coffee,20,1,17,10,0\n");
  system.settle();

  const auto audit = system.audit("inventory");
  EXPECT_EQ(audit.products.at(11).opening, 30);
  EXPECT_EQ(audit.products.at(43).opening, 17);
  EXPECT_EQ(system.get("inventory", "/stock/43").json().at("free").as_integer(), 17);
  EXPECT_EQ(system.get("inventory", "/stock/44").status, 404);
}

TEST_P(Commerce, AfterARestartEverythingIsThere) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.stop();

  system.start();
  system.settle();

  EXPECT_EQ(status_of(system, "1"), "confirmed");
  EXPECT_EQ(system.provider.bodies().size(), 1);
  expect_balanced(system);
}

TEST_P(Commerce, ContextsAgreeOnEveryFact) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.post("sales", "/orders", order("2", "pm_card_visa", 2));
  system.settle();
  system.report("r1", "1", "1996-08-02");
  system.settle();

  const auto sales = system.audit("sales");
  const auto reporting = system.audit("reporting");
  const auto fulfillment = system.audit("fulfillment");
  EXPECT_EQ(sales.orders, reporting.orders);
  EXPECT_EQ(sales.orders.at("1").late, true);
  EXPECT_EQ(fulfillment.orders.at("1").late, true);
  EXPECT_EQ(system.audit("payment").orders.at("1").payable, sales.orders.at("1").payable);
  EXPECT_EQ(system.audit("inventory").orders.at("1").units, sales.orders.at("1").units);
  EXPECT_EQ(system.audit("inventory").products, reporting.products);
  EXPECT_EQ(sales.products.at(11).shipped, 12);
  EXPECT_EQ(sales.products.at(11).reserved, 2);
}

// Of what was said, the books stay; a context that stands still gets what it has not heard.
TEST(CommerceEvents, GoAfterThirtyDaysOnceEverybodyHeardThem) {
  TestSystem system;
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();
  const auto records_of = [&system](const std::string& name) {
    std::uint64_t records = 0;
    for (const auto& topic : system.node().run(system.host().broker().topics())) {
      if (topic.spec.name != name) continue;
      for (const auto& range : topic.partitions)
        records += range.last.position() - range.first.position();
    }
    return records;
  };
  system.node().shift_wall(std::chrono::days(29));
  system.run_for(std::chrono::hours(2));
  EXPECT_GT(records_of("sales.events"), 0U);
  EXPECT_GT(records_of("inventory.events"), 0U);

  system.node().shift_wall(std::chrono::days(1));
  system.run_for(std::chrono::hours(2));

  EXPECT_EQ(records_of("sales.events"), 0U);
  EXPECT_EQ(records_of("inventory.events"), 0U);
  system.post("sales", "/orders", order("2"));
  system.settle();
  EXPECT_EQ(status_of(system, "2"), "confirmed");
  expect_balanced(system);
}

TEST_P(Commerce, ListsOrdersByStatusPageByPage) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.post("sales", "/orders", order("2", "pm_card_chargeDeclined", 1));
  system.post("sales", "/orders", order("3", "pm_card_visa", 1));
  system.settle();

  const auto first = system.get("sales", "/orders?status=confirmed&limit=1").json();
  const auto second = system.get("sales", "/orders?status=confirmed&limit=1&after=1").json();

  EXPECT_EQ(first.at("orders").as_array().at(0).at("order_id").as_string(), "1");
  EXPECT_EQ(first.at("next").as_string(), "1");
  EXPECT_EQ(second.at("orders").as_array().at(0).at("order_id").as_string(), "3");
  EXPECT_EQ(system.get("sales", "/orders?limit=x").status, 400);
  EXPECT_EQ(system.get("sales", "/orders/4").status, 404);
}

TEST_P(Commerce, SalesAsksInventoryWhatIsAvailable) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();

  const auto all = system.get("sales", "/products/11/availability?units=18");
  const auto more = system.get("sales", "/products/11/availability?units=19");

  EXPECT_EQ(all.status, 200) << all.body;
  EXPECT_EQ(all.json().at("free").as_integer(), 18);
  EXPECT_TRUE(all.json().at("available").as_bool());
  EXPECT_FALSE(more.json().at("available").as_bool());
  EXPECT_EQ(system.get("sales", "/products/12/availability").status, 404);
  EXPECT_EQ(system.get("sales", "/products/11/availability?units=0").status, 400);
  EXPECT_EQ(system.audit("inventory").products.at(11).reserved, 12) << "asking reserves nothing";
}

TEST_P(Commerce, SalesDoesNotWaitForAnInventoryThatIsAway) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.node().run(system.context("inventory").drain(sinew::Duration::zero()));
  const sinew::Instant begin = system.node().now();

  const auto answer = system.get("sales", "/products/11/availability");

  EXPECT_EQ(answer.status, 504);
  EXPECT_THAT(answer.headers.get("Content-Type"), HasSubstr("problem+json"));
  EXPECT_GE(system.node().now() - begin, std::chrono::seconds(2));
  EXPECT_LT(system.node().now() - begin, std::chrono::seconds(3));
}

TEST_P(Commerce, ACarrierPollsItsManifestFromWhereItStood) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1", "pm_card_visa", 1));
  system.settle();

  const auto first = system.get("fulfillment", "/shipments?status=booked").json();
  system.post("sales", "/orders", order("2", "pm_card_visa", 1));
  system.settle();
  const auto next = first.at("next").as_string();
  const auto second = system.get("fulfillment", "/shipments?status=booked&after=" + next).json();
  const auto third =
      system.get("fulfillment", "/shipments?status=booked&after=" + second.at("next").as_string())
          .json();

  EXPECT_EQ(first.at("shipments").as_array().at(0).at("order_id").as_string(), "1");
  EXPECT_EQ(second.at("shipments").as_array().at(0).at("order_id").as_string(), "2");
  EXPECT_TRUE(third.at("shipments").as_array().empty());
  EXPECT_EQ(third.at("next"), second.at("next"));
}

TEST_P(Commerce, ReportingFollowsEveryOrder) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.post("sales", "/orders", order("2", "pm_card_chargeDeclined", 1));
  system.settle();
  system.report("r", "1", "1996-07-16");
  system.settle();

  const auto progress = system.get("reporting", "/progress").json();

  EXPECT_EQ(progress.at("placed").as_integer(), 2);
  EXPECT_EQ(progress.at("confirmed").as_integer(), 1);
  EXPECT_EQ(progress.at("shipped").as_integer(), 1);
  EXPECT_EQ(progress.at("rejected").as_integer(), 1);
  EXPECT_EQ(system.get("reporting", "/books").status, 200);
}

// A message as another program of sales would have published it.
void publish(TestSystem& system, std::string type, std::int32_t version, const Json& data) {
  sinew::event::Envelope envelope;
  envelope.id = system.node().new_id();
  envelope.source = "/sales";
  envelope.type = std::move(type);
  envelope.version = version;
  envelope.ordering_key = data.at("order_id").as_string();
  envelope.data = sinew::SharedBytes(to_text(data));
  auto& sales = system.context("sales").database();
  system.node().run(sales.transaction([&](sinew::store::Transaction& tx) -> Task<void> {
    sinew::store::Outbox outbox;
    co_await outbox.insert(tx, sinew::context::events_of("sales"), envelope);
  }));
}

TEST_P(Commerce, ReportingCountsWhyOrdersAreRejected) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1", "pm_card_visa", 31));
  system.post("sales", "/orders", order("2", "pm_card_chargeDeclined", 1));
  system.settle();

  const auto codes = system.get("reporting", "/rejections").json().at("orders_by_code");

  EXPECT_EQ(codes.at("out_of_stock").as_integer(), 1);
  EXPECT_EQ(codes.at("card_declined").as_integer(), 1);
  EXPECT_EQ(system.get("sales", "/orders/2").json().at("code").as_string(), "card_declined");
  expect_balanced(system);
}

TEST_P(Commerce, ReportingReadsARejectionOfVersionOne) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();

  publish(
      system, "sales.order.rejected", 1,
      Json(JsonObject{{"order_id", "1"}, {"reason", "reserve-stock said no: out_of_stock: 3"}}));
  system.settle();

  EXPECT_EQ(system.get("reporting", "/rejections").json().at("orders_by_code").at("out_of_stock"),
            Json(1));
  EXPECT_EQ(system.activity().parked, 0);
}

TEST_P(Commerce, AVersionThatReportingDoesNotKnowWaitsForAnOperator) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order("1"));
  system.settle();

  publish(system, "sales.order.rejected", 3,
          Json(JsonObject{{"order_id", "1"}, {"cause", JsonObject{{"code", "out_of_stock"}}}}));
  system.settle();

  auto& reporting = system.context("reporting");
  const Json parked = system.node().run(sinew::context::operate(
      reporting.runtime(), reporting.database(), "dlq.list", "anna", Json(JsonObject())));
  ASSERT_EQ(parked.at("messages").as_array().size(), 1);
  const Json& message = parked.at("messages").as_array().at(0);
  EXPECT_EQ(message.at("type").as_string(), "sales.order.rejected");
  EXPECT_THAT(message.at("last_error").as_string(), HasSubstr("version 3"));
  EXPECT_EQ(system.get("reporting", "/progress").json().at("rejected").as_integer(), 0);
}

TEST_P(Commerce, ABatchIsRegisteredOnceAndInOneMeaning) {
  TestSystem system(1, {.databases = GetParam()});
  reporting::RegisterBatch batch;
  batch.batch_id = "b";

  EXPECT_EQ(system.post("reporting", "/batches", sinew::to_json(batch)).status, 201);
  EXPECT_EQ(system.post("reporting", "/batches", sinew::to_json(batch)).status, 200);
  batch.orders = 1;
  EXPECT_EQ(system.post("reporting", "/batches", sinew::to_json(batch)).status, 409);
}

TEST_P(Commerce, AProviderMayBeAwayForAWhile) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.provider.failures = 1'000'000;
  system.post("sales", "/orders", order("1"));
  system.run_for(std::chrono::seconds(30));
  system.provider.failures = 0;
  system.settle();

  EXPECT_EQ(system.activity().parked, 0);
  EXPECT_EQ(status_of(system, "1"), "confirmed");
  EXPECT_EQ(system.provider.bodies().size(), 1);
}

}  // namespace
}  // namespace commerce::test
