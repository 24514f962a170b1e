#include "examples/commerce/inventory/inventory.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "examples/commerce/encodings/encodings.hpp"
#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/inventory/answers.hpp"
#include "sinew/sim/context.hpp"

namespace commerce::inventory {
namespace {

using sinew::http::Method;

constexpr auto receipts =
    "ProductID,ProductName,SupplierID,CategoryID,Quantity,UnitsOnOrder,Discontinued\n"
    "11,Queso Cabrales,5,4,30,10,0\n"
    "42,Singaporean Hokkien Fried Mee,20,5,12,0,1\n";
// With the encodings of commerce's programs.
class TestInventory : public sinew::sim::ContextTest<Inventory> {
 public:
  explicit TestInventory(sinew::sim::WorldOptions options = {})
      : ContextTest(with_encodings(std::move(options))) {}

 private:
  static sinew::sim::WorldOptions with_encodings(sinew::sim::WorldOptions options) {
    options.contexts.codecs = event_codecs();
    return options;
  }
};

constexpr auto stock = "SELECT product_id, free, reserved, shipped FROM stock ORDER BY product_id";

const std::vector<Item> items{{11, 12}, {42, 3}};

TEST(Inventory, ReservesAllOfAnOrder) {
  TestInventory inventory;

  inventory.given_file("receipts", receipts)
      .when(Reserve{"1", items}, "1")
      .then_replies(Reserved{"1", items})
      .then_publishes(Reserved{"1", items})
      .then_rows(stock, {{11, 18, 12, 0}, {42, 9, 3, 0}});
}

TEST(Inventory, ReservesNothingOfWhatItHasNotAll) {
  TestInventory inventory;
  inventory.given_file("receipts", receipts);

  inventory.when(Reserve{"1", {{11, 1}, {42, 13}}}).then_rejects("out_of_stock");
  inventory.when(Reserve{"2", {{11, 1}, {7, 1}}}).then_rejects("unknown_product");

  inventory.then_publishes({}).then_rows(stock, {{11, 30, 0, 0}, {42, 12, 0, 0}});
}

TEST(Inventory, AnswersTheSameReservationAgainAndRefusesAnother) {
  TestInventory inventory;
  inventory.given_file("receipts", receipts).given(Reserve{"1", items});

  inventory.when(Reserve{"1", items}).twice().then_replies(Reserved{"1", items}).then_publishes({});
  inventory.when(Reserve{"1", {{11, 1}}}).then_rejects("other_items");
}

TEST(Inventory, KnowsAReleaseThatCameBeforeItsReservation) {
  TestInventory inventory;
  inventory.given_file("receipts", receipts);

  inventory.when(Release{"1"}).then_replies(Released{"1", {}}).then_publishes({});
  inventory.when(Reserve{"1", items}).then_rejects("released");
}

TEST(Inventory, ShipsWhatIsReserved) {
  TestInventory inventory;
  inventory.given_file("receipts", receipts).given(Reserve{"1", items});
  const fulfillment::ShipmentDispatched dispatched{"1", "s-1", sinew::parse_iso_date("1996-07-16")};

  inventory.when(dispatched, "1")
      .twice()
      .then_publishes(StockShipped{"1", items})
      .then_rows(stock, {{11, 18, 0, 12}, {42, 9, 0, 3}});
  inventory.when(Release{"1"}).then_parked(1);
}

TEST(Inventory, ParksADispatchOfNothing) {
  TestInventory inventory;

  inventory.when(fulfillment::ShipmentDispatched{"9", "s-9", {}}).then_parked(1).then_publishes({});
}

TEST(Inventory, ShowsItsStock) {
  TestInventory inventory;
  inventory.given_file("receipts", receipts).given(Reserve{"1", items});

  inventory.when_requested(Method::get, "/stock/11")
      .then_answers(200, sinew::to_json(StockAnswer{11, "Queso Cabrales", 18, 12, 0}));
  inventory.when_requested(Method::get, "/stock/7").then_answers(404);
}

// Files, commands and events: what is half done when the power goes is done once afterwards.
TEST(Inventory, ReservesOnceWhereverThePowerGoes) {
  sinew::sim::at_every_power_cut([](sinew::sim::PowerCut& cut) {
    TestInventory inventory({.disk = sinew::async::sim::DiskOptions{}});
    inventory.given_file("receipts", receipts)
        .cut_power_at(cut)
        .when(Reserve{"1", items})
        .then_replies(Reserved{"1", items})
        .then_publishes(Reserved{"1", items})
        .then_rows(stock, {{11, 18, 12, 0}, {42, 9, 3, 0}});
  });
}

TEST(Inventory, TakesAReceiptOnceWhereverThePowerGoes) {
  sinew::sim::at_every_power_cut([](sinew::sim::PowerCut& cut) {
    TestInventory inventory({.disk = sinew::async::sim::DiskOptions{}});
    inventory.cut_power_at(cut)
        .given_file("receipts", receipts)
        .then_rows(stock, {{11, 30, 0, 0}, {42, 12, 0, 0}});
  });
}

}  // namespace
}  // namespace commerce::inventory
