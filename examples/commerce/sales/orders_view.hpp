#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "examples/commerce/sales/order.hpp"
#include "sinew/base/decimal.hpp"
#include "sinew/store/projection.hpp"
#include "sinew/store/value.hpp"

namespace commerce::sales {

// A row of the table `orders`, its columns in their order; behind them stands the seal.
struct OrderRow {
  std::string order_id;
  std::string status;
  std::string customer_id;
  std::string order_date;
  std::string country;
  std::int64_t lines = 0;
  std::int64_t units = 0;
  sinew::Decimal payable;
  std::string reason;
  std::optional<std::string> shipped_date;
  std::string history;  // a digest over the events of the stream
  friend bool operator==(const OrderRow&, const OrderRow&) = default;
};

OrderRow row_of(const Order& order, std::string history);
OrderRow read_order_row(const sinew::store::Row& row);

// The digest over a stream's events up to `event`, `before` being that of those before it: an event
// that is changed afterwards no longer fits; one whose person was forgotten does.
std::string longer_history(std::string_view before, const sinew::store::RecordedEvent& event);

// Keeps the table `orders`, a row an order, for lists and searches. An order whose event cannot be
// applied waits alone: no row depends on another's.
class OrdersView final : public sinew::store::Projection {
 public:
  // `orders` gives what the view is made of, once it is open.
  explicit OrdersView(std::function<const Orders&()> orders) : orders_(std::move(orders)) {}

  std::string_view name() const noexcept override { return "orders"; }
  std::span<const sinew::store::ViewTable> tables() const noexcept override;
  sinew::store::OnRefusal on_refusal() const noexcept override {
    return sinew::store::OnRefusal::pause_key;
  }
  sinew::Task<void> apply(sinew::store::Transaction& tx,
                          const sinew::store::RecordedEvent& event) override;

 private:
  std::function<const Orders&()> orders_;
};

}  // namespace commerce::sales
