#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "examples/commerce/inventory/contract/stock.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/money.hpp"
#include "sinew/base/time.hpp"
#include "sinew/saga/definition.hpp"
#include "sinew/saga/machine.hpp"

namespace commerce::sales {

// What the saga must know to ask the others.
struct PlaceOrderData {
  std::string order_id;
  std::vector<inventory::Item> items;
  sinew::Money payable;
  std::string payment_method;
  std::int64_t carrier_id = 0;
  sinew::Date required_date{};
  std::string ship_country;
};
BOOST_DESCRIBE_STRUCT(PlaceOrderData, (),
                      (order_id, items, payable, payment_method, carrier_id, required_date,
                       ship_country))

// A local step of the saga, in its transaction.
using LocalStep = std::function<sinew::Task<void>(sinew::store::Transaction&, const PlaceOrderData&,
                                                  const sinew::saga::Instance&)>;

inline constexpr std::string_view place_order_saga_name = "place-order";

// Reserve stock, charge, book the shipment (from there on it happens), confirm. Up to the booking a
// refusal undoes what was done, in reverse, and rejects the order with the reason.
sinew::saga::Definition place_order_saga(LocalStep confirm, LocalStep reject);

}  // namespace commerce::sales
