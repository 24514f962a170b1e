#include "examples/commerce/replay/contradictions.hpp"

#include <fmt/format.h>
#include <boost/describe.hpp>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "examples/commerce/replay/order_feed.hpp"
#include "sinew/context/position.hpp"
#include "sinew/http/problem.hpp"
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

// How far the log of sales goes now: that of another replay may just have been taken.
Task<sinew::http::Headers> as_of_now(PatientClient& client, std::string sales_url) {
  const auto journal = co_await client.send(
      {.method = sinew::http::Method::get, .url = sales_url + "/journal?limit=1"});
  if (!journal.success()) throw sinew::http::to_error(journal);
  sinew::http::Headers headers;
  const auto position = journal.headers.get(sinew::context::position_field);
  if (!position.empty()) headers.set(sinew::context::min_position_field, std::string(position));
  co_return headers;
}

// Of a list that has all of them, not of one that is behind.
Task<std::set<std::string>> known_orders(PatientClient& client, std::string sales_url) {
  const auto headers = co_await as_of_now(client, sales_url);
  std::set<std::string> ids;
  std::optional<std::string> after = "";
  while (after) {
    auto page = sinew::http::Client::read_answer<KnownOrders>(
        co_await client.send({.method = sinew::http::Method::get,
                              .url = fmt::format("{}/orders?limit={}&after={}", sales_url,
                                                 page_size, sinew::wire::percent_encode(*after)),
                              .headers = headers}));
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
