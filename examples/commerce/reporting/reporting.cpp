#include "examples/commerce/reporting/reporting.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "examples/commerce/reporting/answers.hpp"
#include "examples/commerce/reporting/schema.hpp"
#include "examples/commerce/reporting/views.hpp"
#include "examples/commerce/sales/contract/versions.hpp"
#include "sinew/base/time.hpp"

namespace commerce::reporting {

using sinew::http::Method;

namespace {

Task<void> put_changes(Transaction& tx, const sinew::event::Envelope& message, std::string kind,
                       std::string reference, std::vector<inventory::Item> items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    co_await put_stock_change(tx, {fmt::format("{}/{:04}", to_string(message.id), i), kind,
                                   reference, items[i].product_id, items[i].quantity});
  }
}

}  // namespace

void Reporting::describe(sinew::context::ContextSpec& spec) {
  sales::lift_orders(spec.upcasters());
  spec.migrations(schema())
      .handles(&Reporting::order_placed)
      .handles(&Reporting::order_confirmed)
      .handles(&Reporting::order_rejected)
      .handles(&Reporting::order_cancelled)
      .handles(&Reporting::order_shipped)
      .handles(&Reporting::stock_received)
      .handles(&Reporting::stock_reserved)
      .handles(&Reporting::stock_released)
      .handles(&Reporting::stock_shipped)
      .handles(&Reporting::charged)
      .handles(&Reporting::refunded)
      .handles(&Reporting::booked)
      .handles(&Reporting::dispatched)
      .route(Method::post, "/batches", &Reporting::register_batch)
      .route(Method::get, "/batches", &Reporting::list_batches)
      .route(Method::get, "/progress", &Reporting::progress)
      .route(Method::get, "/rejections", &Reporting::rejections)
      .route(Method::get, "/books", &Reporting::show_books);
}

Task<void> Reporting::order_placed(Transaction& tx, sales::OrderPlaced event, const Envelope&) {
  OrderRow row;
  row.order_id = event.order_id;
  row.status = "placed";
  row.customer_id = event.customer_id;
  row.employee_id = event.employee_id;
  row.carrier_id = event.carrier_id;
  row.country = event.ship_to.country;
  row.order_date = sinew::to_iso_date(event.order_date);
  row.required_date = sinew::to_iso_date(event.required_date);
  row.freight = event.freight.amount();
  row.payable = event.payable.amount();
  co_await put_order(tx, std::move(row));
  for (std::size_t i = 0; i < event.lines.size(); ++i) {
    const sales::Line& line = event.lines[i];
    co_await put_line(
        tx, i, {event.order_id, line.product_id, line.quantity, line.unit_price, line.discount});
  }
}

Task<void> Reporting::order_confirmed(Transaction& tx, sales::OrderConfirmed event,
                                      const Envelope&) {
  OrderRow row = co_await find_order(tx, event.order_id);
  // The carrier's word may have come before the saga's last step.
  if (!row.shipped_date) row.status = "confirmed";
  co_await put_order(tx, std::move(row));
}

Task<void> Reporting::order_rejected(Transaction& tx, sales::OrderRejected event, const Envelope&) {
  OrderRow row = co_await find_order(tx, event.order_id);
  row.status = "rejected";
  row.reason = event.reason;
  co_await put_order(tx, std::move(row));
  co_await put_rejection(tx, {event.order_id, event.code});
}

Task<void> Reporting::order_cancelled(Transaction& tx, sales::OrderCancelled event,
                                      const Envelope&) {
  OrderRow row = co_await find_order(tx, event.order_id);
  row.status = "cancelled";
  row.reason = event.reason;
  co_await put_order(tx, std::move(row));
}

Task<void> Reporting::order_shipped(Transaction& tx, sales::OrderShipped event, const Envelope&) {
  OrderRow row = co_await find_order(tx, event.order_id);
  row.status = "shipped";
  row.shipped_date = sinew::to_iso_date(event.shipped_date);
  co_await put_order(tx, std::move(row));
}

Task<void> Reporting::stock_received(Transaction& tx, inventory::StockReceived event,
                                     const Envelope& message) {
  co_await put_product(tx, {event.product_id, event.product_name, event.supplier_id,
                            event.category_id, event.units_on_order, event.discontinued});
  co_await put_changes(tx, message, "received", event.receipt,
                       {{event.product_id, event.quantity}});
}

Task<void> Reporting::stock_reserved(Transaction& tx, inventory::Reserved event,
                                     const Envelope& message) {
  co_await put_changes(tx, message, "reserved", event.order_id, event.items);
}

Task<void> Reporting::stock_released(Transaction& tx, inventory::Released event,
                                     const Envelope& message) {
  co_await put_changes(tx, message, "released", event.order_id, event.items);
}

Task<void> Reporting::stock_shipped(Transaction& tx, inventory::StockShipped event,
                                    const Envelope& message) {
  co_await put_changes(tx, message, "shipped", event.order_id, event.items);
}

Task<void> Reporting::charged(Transaction& tx, payment::Charged event, const Envelope&) {
  PaymentRow row = co_await find_payment(tx, event.order_id);
  row.charged += event.amount.amount();
  co_await put_payment(tx, std::move(row));
}

Task<void> Reporting::refunded(Transaction& tx, payment::Refunded event, const Envelope&) {
  PaymentRow row = co_await find_payment(tx, event.order_id);
  row.refunded += event.amount.amount();
  co_await put_payment(tx, std::move(row));
}

Task<void> Reporting::booked(Transaction& tx, fulfillment::Booked event, const Envelope&) {
  co_await put_shipment(tx, {event.order_id, event.carrier_id,
                             sinew::to_iso_date(event.required_date), std::nullopt});
}

Task<void> Reporting::dispatched(Transaction& tx, fulfillment::ShipmentDispatched event,
                                 const Envelope&) {
  ShipmentRow row = co_await find_shipment(tx, event.order_id);
  row.shipped_date = sinew::to_iso_date(event.shipped_date);
  co_await put_shipment(tx, std::move(row));
}

Task<Progress> Reporting::progress(const sinew::http::Request&) {
  co_return co_await database().read([](Transaction& tx) -> Task<Progress> {
    const auto rows = co_await tx.execute("SELECT status, COUNT(*) FROM orders GROUP BY status");
    Progress progress;
    for (const auto row : rows) {
      const std::string& status = row.text(0);
      progress.placed += row.integer(1);
      if (status == "rejected") progress.rejected += row.integer(1);
      if (status == "shipped") progress.shipped += row.integer(1);
      if (status == "confirmed" || status == "shipped") progress.confirmed += row.integer(1);
    }
    co_return progress;
  });
}

Task<Rejections> Reporting::rejections(const sinew::http::Request&) {
  co_return co_await database().read([](Transaction& tx) -> Task<Rejections> {
    const auto rows =
        co_await tx.execute("SELECT code, COUNT(*) FROM rejections GROUP BY code ORDER BY code");
    Rejections rejections;
    for (const auto row : rows)
      rejections.orders_by_code.emplace(row.text(0), row.integer(1));
    co_return rejections;
  });
}

}  // namespace commerce::reporting
