#include "examples/commerce/replay/contradictions.hpp"

#include <fmt/format.h>
#include <boost/describe.hpp>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "examples/commerce/replay/order_feed.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::replay {

// What is read of GET /orders.
struct KnownOrder {
  std::string order_id;
};
BOOST_DESCRIBE_STRUCT(KnownOrder, (), (order_id))
struct KnownOrders {
  std::vector<KnownOrder> orders;
  std::optional<std::string> next;
};
BOOST_DESCRIBE_STRUCT(KnownOrders, (), (orders, next))

using sinew::Task;

namespace {

constexpr int page_size = 1000;

Task<std::set<std::string>> known_orders(PatientClient& client, std::string sales_url) {
  std::set<std::string> ids;
  std::optional<std::string> after = "";
  while (after) {
    auto page = co_await client.get<KnownOrders>(fmt::format(
        "{}/orders?limit={}&after={}", sales_url, page_size, sinew::wire::percent_encode(*after)));
    for (auto& order : page.orders)
      ids.insert(std::move(order.order_id));
    after = std::move(page.next);
  }
  co_return ids;
}

}  // namespace

// Sales compares better than anybody else: it is asked to take them once more.
Task<void> refuse_contradictions(PatientClient& client, std::string sales_url, Input& input) {
  const auto known = co_await known_orders(client, sales_url);
  std::vector<Order> again;
  for (const Order& order : input.orders) {
    if (known.contains(order.order.order_id)) again.push_back(order);
  }
  OrderFeed feed(client, sales_url, again);
  co_await feed.run();
  std::map<std::string, std::string> reasons;
  for (const auto& refusal : feed.refused())
    reasons.emplace(refusal.order_id, refusal.reason);
  for (const Order& order : input.orders) {
    const auto reason = reasons.find(order.order.order_id);
    if (reason == reasons.end()) continue;
    input.refused.push_back({order.place, order.order.order_id, reason->second});
  }
  std::erase_if(input.orders,
                [&reasons](const Order& order) { return reasons.contains(order.order.order_id); });
}

}  // namespace commerce::replay
