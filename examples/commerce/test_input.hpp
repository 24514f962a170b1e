#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "examples/commerce/books/statement.hpp"
#include "examples/commerce/test_system.hpp"

// For tests: what is sold, by whom it is bought, and orders for it.
namespace commerce::test {

inline constexpr auto customers =
    "CustomerID,CompanyName,ContactName,City,Country,Phone\n"
    "VINET,Vins et alcools Chevalier,Paul Henriot,Reims,France,26.47.15.10\n";
inline constexpr auto receipts =
    "ProductID,ProductName,SupplierID,CategoryID,Quantity,UnitsOnOrder,Discontinued\n"
    "11,Queso Cabrales,5,4,30,10,0\n"
    "42,Singaporean Hokkien Fried Mee,20,5,12,0,1\n";
inline constexpr auto carriers =
    "ShipperID,CompanyName,Phone\n"
    "3,Federal Shipping,(503) 555-9931\n";

inline Json order(const std::string& id, const std::string& method = "pm_card_visa",
                  std::int64_t quantity = 12) {
  sales::PlaceOrder order;
  order.order_id = id;
  order.customer_id = "VINET";
  order.employee_id = 5;
  order.order_date = sinew::parse_iso_date("1996-07-04");
  order.required_date = sinew::parse_iso_date("1996-08-01");
  order.carrier_id = 3;
  order.freight = sinew::Decimal::parse("32.38");
  order.ship_to.country = "France";
  order.payment_method = method;
  order.lines = {{11, quantity, sinew::Decimal::parse("14"), sinew::Decimal()},
                 {42, 3, sinew::Decimal::parse("9.8"), sinew::Decimal::parse("0.15")}};
  return sinew::to_json(order);
}

inline void supply(TestSystem& system) {
  system.drop("sales", "customers", "customers.csv", customers);
  system.drop("inventory", "receipts", "receipts.csv", receipts);
  system.drop("fulfillment", "carriers", "carriers.csv", carriers);
}

inline std::string status_of(TestSystem& system, const std::string& id) {
  const auto answer = system.get("sales", "/orders/" + id);
  return answer.success() ? answer.json().at("status").as_string() : answer.body;
}

// No context's rows are off, and all of them and the provider say the same.
inline void expect_balanced(TestSystem& system) {
  std::vector<books::ContextAudit> audits{system.provider.audit()};
  for (const auto& [name, audit] : TestSystem::audits())
    audits.push_back(system.audit(name));
  const auto statement = books::reconcile({}, std::move(audits));
  EXPECT_TRUE(statement.balanced()) << to_pretty_text(to_json(statement));
}

inline Json basket(sinew::JsonArray orders) {
  JsonObject basket;
  basket.set("orders", std::move(orders));
  return basket;
}

}  // namespace commerce::test
