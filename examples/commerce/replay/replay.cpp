#include "examples/commerce/replay/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "examples/commerce/replay/accepted_totals.hpp"
#include "examples/commerce/replay/carrier.hpp"
#include "examples/commerce/replay/contradictions.hpp"
#include "examples/commerce/replay/drop.hpp"
#include "examples/commerce/replay/order_feed.hpp"
#include "examples/commerce/replay/patient_client.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/net/dns_resolver.hpp"

namespace commerce::replay {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;

constexpr auto look_every = std::chrono::milliseconds(50);
constexpr auto stall_after = std::chrono::minutes(1);
constexpr int calm_rounds = 2;  // in which nothing was left to do

reporting::RegisterBatch batch_of(const Input& input) {
  reporting::RegisterBatch batch;
  batch.batch_id = input.id;
  batch.name = input.name;
  batch.totals = input.totals;
  batch.accepted = accepted_totals(input);
  batch.orders = static_cast<std::int64_t>(input.orders.size());
  batch.customer_ids = input.customer_ids;
  batch.carrier_ids = input.carrier_ids;
  for (const auto& product : input.products)
    batch.product_ids.push_back(product.id);
  for (const auto& order : input.orders)
    batch.order_ids.push_back(order.order.order_id);
  batch.refused = input.refused;
  return batch;
}

// One replay under way.
class Run {
 public:
  Run(sinew::async::Runtime& runtime, const Input& input, Target target,
      sinew::Secret carrier_secret, ProgressBar& bar)
      : runtime_(runtime),
        input_(input),
        target_(std::move(target)),
        bar_(bar),
        http_(runtime, resolver_,
              {.max_connections_per_origin = OrderFeed::in_flight + Carrier::in_flight}),
        client_(runtime, http_),
        feed_(client_, target_.sales_url, input.orders),
        carrier_(runtime, client_, target_.fulfillment_url, std::move(carrier_secret),
                 input.orders) {}

  Task<Result> run() {
    started_ = moved_at_ = runtime_.now();
    co_await register_batch();
    co_await drop_files();
    progress_ = co_await client_.get<reporting::Progress>(target_.reporting_url + "/progress");
    stage_.orders = static_cast<std::int64_t>(input_.orders.size());
    stage_.finished_before = std::min(progress_.confirmed + progress_.rejected, stage_.orders);
    co_await send_all();
    bar_.close();
    co_return Result{
        .stage = stage_,
        .known = static_cast<std::int64_t>(feed_.known()),
        .confirmed = progress_.confirmed,
        .rejected = progress_.rejected,
        .refused = static_cast<std::int64_t>(input_.refused.size() + feed_.refused().size()),
        .refused_by_sales = feed_.refused()};
  }

 private:
  Task<void> register_batch() {
    const auto response = co_await client_.post_json(
        target_.reporting_url + "/batches", sinew::to_text(sinew::to_json(batch_of(input_))));
    if (!response.success()) throw sinew::http::to_error(response);
  }

  // Customers, goods and carriers are there before the first order that needs them.
  Task<void> drop_files() {
    const std::string name = fmt::format("{}.csv", input_.id.substr(0, 16));
    sinew::async::Scope scope(co_await sinew::async::this_context());
    scope.spawn(drop_file(target_.customers_drop, "customers-" + name, input_.customers));
    scope.spawn(drop_file(target_.receipts_drop, "receipts-" + name, receipts_of(input_)));
    scope.spawn(drop_file(target_.carriers_drop, "carriers-" + name, input_.carriers));
    co_await scope.join();
  }

  Task<void> send_all() {
    sinew::async::Scope scope(co_await sinew::async::this_context());
    scope.spawn(noticed(feed_.run()), "post orders");
    scope.spawn(noticed(carrier_.run()), "carrier");
    for (int calm = 0; calm < calm_rounds && !failed_;) {
      co_await update();
      calm = all_done() ? calm + 1 : 0;
      if (calm < calm_rounds) co_await sinew::async::sleep_for(look_every);
    }
    scope.cancel();
    co_await scope.join();
  }

  Task<void> noticed(Task<void> task) {
    try {
      co_await task;
    } catch (...) {
      failed_ = true;
      throw;
    }
  }

  Task<void> update() {
    const auto before = progress_;
    progress_ = co_await client_.get<reporting::Progress>(target_.reporting_url + "/progress");
    // The system may have orders that are not of this input.
    stage_.finished = std::min(progress_.confirmed + progress_.rejected, stage_.orders);
    stage_.in_flight = progress_.placed - progress_.confirmed - progress_.rejected;
    stage_.shipped = progress_.shipped;
    stage_.elapsed = runtime_.now() - started_;
    stage_.trouble = client_.trouble();
    bar_.show(stage_);
    if (progress_.placed != before.placed || progress_.shipped != before.shipped ||
        progress_.confirmed != before.confirmed || progress_.rejected != before.rejected) {
      moved_at_ = runtime_.now();
    }
    if (runtime_.now() - moved_at_ < stall_after) co_return;
    bar_.close();
    throw Error(
        Condition::timeout,
        fmt::format("no order moved for a minute: {} of {} are taken, {} sagas are under way, {} "
                    "shipped. {}`sinew saga list` and `sinew dlq list` say what they wait for; "
                    "then run the same command again",
                    feed_.answered(), input_.orders.size(), stage_.in_flight, stage_.shipped,
                    stage_.trouble.empty() ? "" : "Last answer: " + stage_.trouble + ". "));
  }

  // Every order placed is at an end, and all that is confirmed has left or stays.
  bool all_done() const {
    const auto sent = static_cast<std::int64_t>(feed_.answered() - feed_.refused().size());
    return feed_.finished() && progress_.placed >= sent && stage_.in_flight == 0 &&
           progress_.shipped == progress_.confirmed - static_cast<std::int64_t>(carrier_.staying());
  }

  sinew::async::Runtime& runtime_;
  const Input& input_;
  Target target_;
  ProgressBar& bar_;
  sinew::net::DnsResolver resolver_;
  sinew::http::Client http_;
  PatientClient client_;
  OrderFeed feed_;
  Carrier carrier_;
  reporting::Progress progress_;
  Stage stage_;
  sinew::Instant started_{};
  sinew::Instant moved_at_{};
  bool failed_ = false;  // one of the tasks; the scope has its exception
};

}  // namespace

sinew::Json to_json(const Result& result) {
  sinew::JsonObject object;
  object.set("orders", result.stage.orders);
  object.set("known", result.known);
  object.set("confirmed", result.confirmed);
  object.set("rejected", result.rejected);
  object.set("shipped", result.stage.shipped);
  object.set("refused", result.refused);
  object.set("milliseconds",
             std::chrono::duration_cast<std::chrono::milliseconds>(result.stage.elapsed).count());
  return object;
}

Task<Result> replay(sinew::async::Runtime& runtime, const Input& input, Target target,
                    sinew::Secret carrier_secret, ProgressBar& bar) {
  sinew::net::FixedResolver resolver;
  sinew::http::Client http(runtime, resolver, {.max_connections_per_origin = OrderFeed::in_flight});
  PatientClient client(runtime, http);
  Input rest = input;
  co_await refuse_contradictions(client, target.sales_url, rest);
  Run run(runtime, rest, std::move(target), std::move(carrier_secret), bar);
  Result result = co_await run.run();
  result.refused_by_sales.insert(
      result.refused_by_sales.begin(),
      rest.refused.begin() + static_cast<std::ptrdiff_t>(input.refused.size()), rest.refused.end());
  co_return result;
}

}  // namespace commerce::replay
