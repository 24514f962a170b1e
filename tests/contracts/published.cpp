#include "tests/contracts/published.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string_view>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "examples/commerce/inventory/contract/stock.hpp"
#include "examples/commerce/payment/contract/payments.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "examples/commerce/sales/contract/orders.hpp"

namespace commerce::contracts {
namespace {

template <class T>
PublishedSchema schema_of(std::string_view context, std::string_view type, int version) {
  // The address is the `dataschema` of the CloudEvents that carry it.
  const sinew::Json schema = sinew::json_schema<T>(fmt::format("urn:sinew:{}:{}", type, version));
  return {std::string(context), fmt::format("{}.v{}.schema.json", type, version),
          sinew::to_pretty_text(schema) + '\n'};
}

template <sinew::event::Typed... T>
void add_messages(std::vector<PublishedSchema>& schemas, std::string_view context) {
  (schemas.push_back(schema_of<T>(context, T::type.name, T::type.version)), ...);
}

}  // namespace

std::vector<PublishedSchema> published_schemas() {
  std::vector<PublishedSchema> schemas;
  add_messages<sales::OrderPlaced, sales::OrderConfirmed, sales::OrderRejected,
               sales::OrderShipped>(schemas, "sales");
  schemas.push_back(schema_of<sales::PlaceOrder>("sales", "sales.place_order", 1));
  add_messages<inventory::Reserve, inventory::Reserved, inventory::Release, inventory::Released,
               inventory::StockReceived, inventory::StockShipped, inventory::CheckStock,
               inventory::StockLevel>(schemas, "inventory");
  add_messages<payment::Charge, payment::Charged, payment::Refund, payment::Refunded>(schemas,
                                                                                      "payment");
  add_messages<fulfillment::Book, fulfillment::Booked, fulfillment::ShipmentDispatched,
               fulfillment::CarrierReport>(schemas, "fulfillment");
  schemas.push_back(
      schema_of<reporting::RegisterBatch>("reporting", "reporting.register_batch", 1));
  schemas.push_back(schema_of<reporting::Progress>("reporting", "reporting.progress", 1));
  return schemas;
}

std::size_t write_missing(const std::filesystem::path& root,
                          const std::vector<PublishedSchema>& schemas) {
  std::size_t written = 0;
  for (const PublishedSchema& schema : schemas) {
    const std::filesystem::path path = root / schema.context / "contract" / schema.file;
    if (std::filesystem::exists(path)) continue;
    std::ofstream(path) << schema.text;
    ++written;
  }
  return written;
}

}  // namespace commerce::contracts
