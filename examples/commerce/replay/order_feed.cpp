#include "examples/commerce/replay/order_feed.hpp"

#include <utility>

#include "sinew/async/scope.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/problem.hpp"

namespace commerce::replay {

using sinew::Task;

Task<void> OrderFeed::run() {
  sinew::async::Scope scope(co_await sinew::async::this_context());
  for (std::size_t i = 0; i < in_flight; ++i)
    scope.spawn(post_in_turn(), "post orders");
  co_await scope.join();
}

Task<void> OrderFeed::post_in_turn() {
  while (next_ < orders_.size()) {
    co_await post(orders_[next_++].order);
    ++answered_;
  }
}

Task<void> OrderFeed::post(const sales::PlaceOrder& order) {
  const auto response = co_await client_.post_json(url_, sinew::to_text(sinew::to_json(order)));
  if (response.success()) {
    known_ += response.status == 200 ? 1 : 0;
    co_return;
  }
  const sinew::Error error = sinew::http::to_error(response);
  if (error.condition() == sinew::Condition::unauthorized ||
      error.condition() == sinew::Condition::not_found) {
    throw sinew::http::to_error(response);  // not this order's fault
  }
  refused_.push_back({"POST /orders", order.order_id, error.detail()});
}

}  // namespace commerce::replay
