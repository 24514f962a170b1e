#pragma once

#include <string>
#include <vector>

#include "examples/commerce/sales/order.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/store/event_log.hpp"

namespace commerce::sales {

// The orders in the event log: one stream an order. Lives on the context's worker.
class OrderStreams {
 public:
  OrderStreams(sinew::async::Runtime& runtime, sinew::store::EventLog& log)
      : runtime_(runtime), log_(log) {}

  // The order so far; exists() is false for an unknown one.
  sinew::Task<Order> load(sinew::store::Transaction& tx, std::string order_id);

  // Appends a fact that `order` decided. Error conflict when the order has moved on meanwhile.
  template <sinew::event::Typed E>
  sinew::Task<void> append(sinew::store::Transaction& tx, std::string order_id,
                           std::int64_t version, const E& fact, sinew::event::Lineage lineage) {
    return append_one(tx, std::move(order_id), version,
                      {runtime_.new_id(), std::string(E::type.name), E::type.version,
                       sinew::event::write_data(fact), std::move(lineage)});
  }

 private:
  sinew::Task<void> append_one(sinew::store::Transaction& tx, std::string order_id,
                               std::int64_t version, sinew::store::NewEvent event);

  sinew::async::Runtime& runtime_;
  sinew::store::EventLog& log_;
};

}  // namespace commerce::sales
