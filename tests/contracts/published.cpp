#include "tests/contracts/published.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string_view>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/inventory/contract/stock.hpp"
#include "examples/commerce/inventory/reads/dispatched.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "examples/commerce/sales/contract/versions.hpp"
#include "examples/commerce/sales/order.hpp"

namespace commerce::contracts {
namespace {

template <class T>
PublishedSchema schema_of(std::string_view folder, std::string_view type, int version) {
  // The address is the `dataschema` of the CloudEvents that carry it.
  const sinew::Json schema = sinew::json_schema<T>(fmt::format("urn:sinew:{}:{}", type, version));
  return {std::string(folder), fmt::format("{}.v{}.schema.json", type, version),
          sinew::to_pretty_text(schema) + '\n'};
}

template <sinew::event::Typed... T>
void add_messages(std::vector<PublishedSchema>& schemas, std::string_view folder) {
  (schemas.push_back(schema_of<T>(folder, T::type.name, T::type.version)), ...);
}

void add_contracts(std::vector<PublishedSchema>& schemas) {
  add_messages<sales::OrderPlaced, sales::OrderConfirmed, sales::OrderRejected, sales::OrderShipped,
               sales::CancellationRequested, sales::OrderCancelled, sales::OrderKept>(
      schemas, "sales/contract");
  schemas.push_back(schema_of<sales::CancelOrder>("sales/contract", "sales.cancel_order", 1));
  schemas.push_back(schema_of<sales::PlaceOrder>("sales/contract", "sales.place_order", 1));
  add_messages<inventory::Reserve, inventory::Reserved, inventory::Release, inventory::Released,
               inventory::StockReceived, inventory::StockShipped, inventory::CheckStock,
               inventory::StockLevel>(schemas, "inventory/contract");
  add_messages<payment::Charge, payment::Charged, payment::Refund, payment::Refunded,
               payment::RefundRefused>(schemas, "payment/contract");
  add_messages<fulfillment::Book, fulfillment::Booked, fulfillment::ShipmentDispatched,
               fulfillment::ShipmentCancelled, fulfillment::ShipmentKept,
               fulfillment::CarrierReport>(schemas, "fulfillment/contract");
  schemas.push_back(
      schema_of<reporting::RegisterBatch>("reporting/contract", "reporting.register_batch", 1));
  schemas.push_back(schema_of<reporting::Progress>("reporting/contract", "reporting.progress", 1));
}

// What each context handles() of others, by the struct with which it does.
void add_readers(std::vector<PublishedSchema>& schemas) {
  add_messages<inventory::Dispatched, sales::OrderCancelled>(schemas, "inventory/reads");
  add_messages<fulfillment::ShipmentDispatched, fulfillment::ShipmentKept, payment::Refunded>(
      schemas, "sales/reads");
  add_messages<sales::CancellationRequested, payment::RefundRefused>(schemas, "fulfillment/reads");
  add_messages<fulfillment::ShipmentCancelled>(schemas, "payment/reads");
  add_messages<sales::OrderPlaced, sales::OrderConfirmed, sales::OrderRejected, sales::OrderShipped,
               sales::OrderCancelled, inventory::StockReceived, inventory::Reserved,
               inventory::Released, inventory::StockShipped, payment::Charged, payment::Refunded,
               fulfillment::Booked, fulfillment::ShipmentDispatched>(schemas, "reporting/reads");
}

}  // namespace

std::vector<PublishedSchema> published_schemas() {
  std::vector<PublishedSchema> schemas;
  add_contracts(schemas);
  add_readers(schemas);
  add_messages<sales::Placed, sales::Confirmed, sales::Rejected, sales::Shipped,
               sales::CancelRequested, sales::CancelRefused, sales::Cancelled>(schemas,
                                                                               "sales/recorded");
  return schemas;
}

sinew::event::Upcasters all_upcasters() {
  sinew::event::Upcasters upcasters = sales::order_versions();
  sales::lift_orders(upcasters);
  return upcasters;
}

std::size_t write_missing(const std::filesystem::path& root,
                          const std::vector<PublishedSchema>& schemas) {
  std::size_t written = 0;
  for (const PublishedSchema& schema : schemas) {
    const std::filesystem::path path = root / schema.folder / schema.file;
    if (std::filesystem::exists(path)) continue;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << schema.text;
    ++written;
  }
  return written;
}

}  // namespace commerce::contracts
