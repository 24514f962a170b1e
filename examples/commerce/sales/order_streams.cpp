#include "examples/commerce/sales/order_streams.hpp"

#include <utility>

namespace commerce::sales {

using sinew::Task;
using sinew::store::ExpectedVersion;
using sinew::store::Transaction;

namespace {

// An order has a handful of events: placed, confirmed, shipped.
constexpr std::size_t events_of_an_order = 16;

}  // namespace

Task<Order> OrderStreams::load(Transaction& tx, std::string order_id) {
  Order order;
  const auto events = co_await log_.read_stream(tx, stream_of(order_id), 0, events_of_an_order);
  for (const auto& event : events)
    order.apply(event);
  co_return order;
}

Task<void> OrderStreams::append_one(Transaction& tx, std::string order_id, std::int64_t version,
                                    sinew::store::NewEvent event) {
  const auto expected =
      version < 0 ? ExpectedVersion::no_stream() : ExpectedVersion::exactly(version);
  std::vector<sinew::store::NewEvent> events;
  events.push_back(std::move(event));
  co_await log_.append(tx, stream_of(order_id), expected, std::move(events));
}

}  // namespace commerce::sales
