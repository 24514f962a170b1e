#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "examples/commerce/inventory/contract/stock.hpp"
#include "examples/commerce/inventory/reads/dispatched.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace commerce::inventory {

// Keeps the stock: what came in, what is reserved for orders, what has left. Competing consumers
// answer its commands; goods come in as files in the drop folder `receipts`.
class Inventory final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "inventory"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  using Transaction = sinew::store::Transaction;

  sinew::Task<sinew::messaging::Answer<Reserved>> reserve(Transaction& tx, Reserve command,
                                                          const sinew::event::Envelope& message);
  sinew::Task<sinew::messaging::Answer<Released>> release(Transaction& tx, Release command,
                                                          const sinew::event::Envelope& message);
  sinew::Task<sinew::messaging::Answer<StockLevel>> check_stock(
      Transaction& tx, CheckStock question, const sinew::event::Envelope& message);
  // The cancellation of an order: its goods are free again.
  sinew::Task<std::variant<std::monostate, Released>> release_cancelled(
      Transaction& tx, sales::OrderCancelled event, const sinew::event::Envelope& message);
  // Nothing: they are free already.
  sinew::Task<std::optional<Released>> free_goods(Transaction& tx, std::string order);
  sinew::Task<void> ship(Transaction& tx, Dispatched event, const sinew::event::Envelope& message);
  sinew::Task<void> take_receipts(sinew::exchange::DroppedFile& file);
  sinew::Task<void> take_receipt(Transaction& tx, StockReceived receipt,
                                 sinew::event::Lineage lineage);

  // GET /stock?limit=&after=
  sinew::Task<sinew::http::Response> list_stock(const sinew::http::Request& request);
  // GET /stock/{product}
  sinew::Task<sinew::http::Response> show_stock(const sinew::http::Request& request);
};

}  // namespace commerce::inventory
