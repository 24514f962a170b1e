#include "examples/commerce/sales/place_order_saga.hpp"

#include <chrono>
#include <utility>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "sinew/saga/builder.hpp"

namespace commerce::sales {

using sinew::saga::ask;
using sinew::saga::local;

namespace {

inventory::Reserve reserve(const PlaceOrderData& data) { return {data.order_id, data.items}; }
inventory::Release release(const PlaceOrderData& data) { return {data.order_id}; }

payment::Charge charge(const PlaceOrderData& data) {
  return {data.order_id, data.payable, data.payment_method};
}
payment::Refund refund(const PlaceOrderData& data) { return {data.order_id}; }

fulfillment::Book book(const PlaceOrderData& data) {
  return {data.order_id, data.carrier_id, data.required_date, data.ship_country};
}

}  // namespace

sinew::saga::Definition place_order_saga(LocalStep confirm, LocalStep reject) {
  using std::chrono::seconds;
  return sinew::saga::define<PlaceOrderData>(std::string(place_order_saga_name),
                                             sinew::saga::Version{1})
      .step("open")
      .compensate(local(std::move(reject)))
      .step("reserve-stock", ask<inventory::Reserve>(reserve))
      .compensate(ask<inventory::Release>(release))
      .timeout(seconds(30))
      .step("charge", ask<payment::Charge>(charge))
      .compensate(ask<payment::Refund>(refund))
      .timeout(seconds(60))
      .pivot("book-shipment", ask<fulfillment::Book>(book))
      .timeout(seconds(30))
      .step("confirm", local(std::move(confirm)));
}

}  // namespace commerce::sales
