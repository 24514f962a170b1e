#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "examples/commerce/sales/amounts.hpp"
#include "examples/commerce/sales/contract/orders.hpp"
#include "sinew/base/described.hpp"
#include "sinew/event/personal.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/store/aggregate.hpp"

namespace commerce::sales {

// The facts in an order's stream: sales' own, not its published language.
struct Placed {
  static constexpr sinew::event::EventType type{"order.placed", 1};
  static constexpr auto personal =
      sinew::event::personal("order.customer_id", "order.ship_to.name", "order.ship_to.street",
                             "order.ship_to.postal_code");
  PlaceOrder order;
  sinew::Decimal net;
  sinew::Decimal payable;
};
BOOST_DESCRIBE_STRUCT(Placed, (), (order, net, payable))

struct Confirmed {
  static constexpr sinew::event::EventType type{"order.confirmed", 1};
};
BOOST_DESCRIBE_STRUCT(Confirmed, (), ())

struct Rejected {
  static constexpr sinew::event::EventType type{"order.rejected", 2};
  std::string code;  // as OrderRejected's
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Rejected, (), (code, reason))

struct Shipped {
  static constexpr sinew::event::EventType type{"order.shipped", 1};
  sinew::Date shipped_date{};
};
BOOST_DESCRIBE_STRUCT(Shipped, (), (shipped_date))

// A confirmed order is to be undone; whether it is, other contexts decide.
struct CancelRequested {
  static constexpr sinew::event::EventType type{"order.cancel_requested", 1};
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(CancelRequested, (), (reason))

struct CancelRefused {
  static constexpr sinew::event::EventType type{"order.cancel_refused", 1};
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(CancelRefused, (), (reason))

struct Cancelled {
  static constexpr sinew::event::EventType type{"order.cancelled", 1};
};
BOOST_DESCRIBE_STRUCT(Cancelled, (), ())

enum class OrderStatus { placed, confirmed, rejected, shipped, cancelling, cancelled };
BOOST_DESCRIBE_ENUM(OrderStatus, placed, confirmed, rejected, shipped, cancelling, cancelled)
std::string_view to_string(OrderStatus status) noexcept;

// What an order's facts come to: what a snapshot keeps.
struct OrderState {
  Placed placed;
  bool confirmed = false;
  std::optional<Rejected> rejected;
  std::optional<sinew::Date> shipped_date;
  bool cancelling = false;
  bool cancelled = false;
  std::string cancel_note;
};
BOOST_DESCRIBE_STRUCT(OrderState, (),
                      (placed, confirmed, rejected, shipped_date, cancelling, cancelled,
                       cancel_note))

// One order, made of its events: the streams order-<id>. Pure: it decides and applies, and knows
// neither tables nor time. Decisions give the event that follows, or nothing when the fact stands
// already.
class Order {
 public:
  static constexpr std::string_view category = "order";
  static constexpr std::int32_t state_version = 2;
  using Events = sinew::store::EventTypes<Placed, Confirmed, Rejected, Shipped, CancelRequested,
                                          CancelRefused, Cancelled>;

  // Throws DocumentError with every broken rule and its path: repeated products, amounts with too
  // many decimals.
  static Placed place(const PlaceOrder& command);

  void apply(const Placed& event);
  void apply(const Confirmed& event);
  void apply(const Rejected& event);
  void apply(const Shipped& event);
  void apply(const CancelRequested& event);
  void apply(const CancelRefused& event);
  void apply(const Cancelled& event);

  // Error conflict: a rejected or cancelled order is neither confirmed nor shipped, a confirmed or
  // shipped one not rejected; only a confirmed one that has not left can be cancelled.
  std::optional<Confirmed> confirm() const;
  std::optional<Rejected> reject(std::string code, std::string reason) const;
  std::optional<Shipped> ship(sinew::Date shipped_date) const;
  std::optional<CancelRequested> request_cancel(std::string reason) const;
  // Of an order that is being cancelled; nothing for any other.
  std::optional<CancelRefused> refuse_cancel(std::string reason) const;
  std::optional<Cancelled> cancel() const;

  // Whether the command asks for this very order; of one whose customer was forgotten, as far as
  // can be told.
  bool is(const PlaceOrder& command) const;

  // Whose name and address its snapshots hold.
  std::string personal_subject() const { return content().customer_id; }

  OrderStatus status() const noexcept;
  const PlaceOrder& content() const noexcept { return state_.placed.order; }
  const Placed& placed() const noexcept { return state_.placed; }
  Amounts amounts() const;
  bool confirmed() const noexcept { return state_.confirmed; }
  std::string code() const { return state_.rejected.value_or(Rejected()).code; }
  // Why it was rejected, is to be cancelled or could not be; empty: none of these.
  std::string reason() const {
    return state_.rejected ? state_.rejected->reason : state_.cancel_note;
  }
  std::optional<sinew::Date> shipped_date() const noexcept { return state_.shipped_date; }
  std::optional<bool> late() const;

 private:
  friend struct sinew::JsonCodec<Order>;
  OrderState state_;
};

// The order whose stream it is; nothing for a stream of another kind.
std::optional<std::string> order_of(std::string_view stream);

// Lifts the facts of older versions.
const sinew::event::Upcasters& order_versions();

// The order as OrderPlaced tells it to other contexts: without name, street and postal code, of
// which they would keep copies that sales cannot erase.
OrderPlaced announce(const Placed& placed);

}  // namespace commerce::sales

// As its state, for snapshots.
template <>
struct sinew::JsonCodec<commerce::sales::Order> {
  using State = commerce::sales::OrderState;
  static void read(JsonReader& reader, const Json& json, const FieldRules& rules,
                   commerce::sales::Order& order) {
    JsonCodec<State>::read(reader, json, rules, order.state_);
  }
  static Json write(const commerce::sales::Order& order) {
    return JsonCodec<State>::write(order.state_);
  }
};

namespace commerce::sales {

using StoredOrder = sinew::store::Aggregate<Order>;
using Orders = sinew::store::Repository<Order>;

}  // namespace commerce::sales
