#include "examples/commerce/sales/place_order_saga.hpp"

#include <gtest/gtest.h>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "sinew/sim/saga.hpp"

namespace commerce::sales {
namespace {

using sinew::Task;
using sinew::saga::Instance;
using sinew::saga::Status;
using sinew::sim::SagaTest;
using sinew::store::Transaction;

constexpr sinew::store::Migration tables[] = {
    {1, "ends", "CREATE TABLE ends (what TEXT NOT NULL, why TEXT NOT NULL);"}};

// What the local steps of sales would do to the order.
LocalStep note(const char* what) {
  return [what](Transaction& tx, const PlaceOrderData&, const Instance& saga) -> Task<void> {
    co_await tx.execute("INSERT INTO ends (what, why) VALUES (?, ?)", {what, saga.rejection});
  };
}

const std::vector<inventory::Item> items{{11, 12}, {42, 10}};
const sinew::Money payable(sinew::Decimal::parse("298.38"), sinew::Currency::parse("USD"));
const sinew::Date required = sinew::parse_iso_date("1996-08-01");

// Given an order, its saga asks inventory first.
class PlaceOrderSaga : public testing::Test {
 protected:
  void SetUp() override { saga.when_started().then_asks(inventory::Reserve{"10248", items}); }

  void reserve() {
    saga.when_answered(inventory::Reserved{"10248", items})
        .then_asks(payment::Charge{"10248", payable, "pm_card_visa"});
  }
  void charge() {
    saga.when_answered(payment::Charged{})
        .then_asks(fulfillment::Book{"10248", 3, required, "France"});
  }
  void expect_undone(const char* code) {
    saga.when_answered(inventory::Released{"10248", items})
        .then_runs("open")
        .then(Status::compensated)
        .then_rows("SELECT what, why FROM ends", {{"rejected", code}});
  }

  SagaTest saga{place_order_saga(note("confirmed"), note("rejected")),
                PlaceOrderData{"10248", items, payable, "pm_card_visa", 3, required, "France"},
                {.id = "10248", .migrations = tables}};
};

TEST_F(PlaceOrderSaga, ConfirmsWhatIsReservedChargedAndBooked) {
  reserve();
  charge();

  saga.when_answered(fulfillment::Booked{})
      .then_asks_nothing()
      .then_runs("confirm")
      .then(Status::completed)
      .then_rows("SELECT what, why FROM ends", {{"confirmed", ""}});
}

TEST_F(PlaceOrderSaga, RejectsWhatIsNotInStockWithNothingToUndo) {
  saga.when_rejected("out_of_stock")
      .then_asks_nothing()
      .then(Status::compensated)
      .then_rows("SELECT what, why FROM ends", {{"rejected", "out_of_stock"}});
}

TEST_F(PlaceOrderSaga, ReleasesTheStockOfADeclinedCard) {
  reserve();

  saga.when_rejected("card_declined").then_asks(inventory::Release{"10248"});

  expect_undone("card_declined");
}

TEST_F(PlaceOrderSaga, RefundsWhenNobodyShips) {
  reserve();
  charge();

  saga.when_rejected("unknown_carrier").then_asks(payment::Refund{"10248"});
  saga.when_answered(payment::Refunded{}).then_asks(inventory::Release{"10248"});

  expect_undone("unknown_carrier");
}

TEST_F(PlaceOrderSaga, TakesAnAnswerOnceWhateverTheProcessDoes) {
  saga.crash_and_restart()
      .when_answered(inventory::Reserved{"10248", items})
      .twice()
      .then_asks(payment::Charge{"10248", payable, "pm_card_visa"});
  saga.crash_and_restart();

  charge();
}

// Whether the card was charged is unknown: it is asked again under the key it was asked under.
TEST_F(PlaceOrderSaga, AsksForTheChargeAgainUnderTheSameKey) {
  reserve();

  saga.when_timed_out().then_asks_again().then(Status::running);
}

// The shipment decides about the order: whether it was booked is not guessed.
TEST_F(PlaceOrderSaga, LeavesAnUnknownBookingToAnOperator) {
  reserve();
  charge();
  while (saga.instance().status == Status::running)
    saga.when_timed_out();

  saga.then(Status::suspended).then_rows("SELECT what FROM ends", {});
  saga.when_operated(sinew::saga::Verb::resolve, sinew::to_json(fulfillment::Booked{}))
      .then(Status::completed);
}

}  // namespace
}  // namespace commerce::sales
