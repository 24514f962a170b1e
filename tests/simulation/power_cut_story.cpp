#include "tests/simulation/power_cut_story.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>

#include "examples/commerce/replay/progress_bar.hpp"
#include "examples/commerce/replay/replay.hpp"
#include "examples/commerce/reporting/batches.hpp"
#include "examples/commerce/sales/answers.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "tests/simulation/random_input.hpp"
#include "tests/support/for_seeds.hpp"

namespace commerce::simulation {

using sinew::Error;
using sinew::Task;
using sinew::async::sim::Stuck;
using sinew::store::Transaction;
using test::TestSystem;

namespace {

constexpr int most_starts = 100;
// Operations of the disk: about what a start takes, and what half of the work takes.
constexpr std::uint64_t start_operations = 400;
constexpr std::uint64_t work_operations = 1500;
constexpr std::size_t orders_a_basket = 3;
constexpr auto longest_life = std::chrono::seconds(3);
constexpr auto reset_connections = 0.002;

sinew::sim::WorldOptions world_options(const StoryOptions& story) {
  sinew::sim::WorldOptions options;
  options.databases = story.databases;
  options.disk = story.disk;
  options.simulation.network.reset = reset_connections;
  return options;
}

replay::Target target_of(const TestSystem& system) {
  replay::Target target;
  target.sales_url = system.url_of("sales");
  target.fulfillment_url = system.url_of("fulfillment");
  target.reporting_url = system.url_of("reporting");
  target.customers_drop = system.drop_folder("sales", "customers");
  target.receipts_drop = system.drop_folder("inventory", "receipts");
  target.carriers_drop = system.drop_folder("fulfillment", "carriers");
  return target;
}

}  // namespace

Ordeal& Ordeal::operator+=(const Ordeal& other) {
  power_cuts += other.power_cuts;
  cuts_in_a_start += other.cuts_in_a_start;
  failed_starts += other.failed_starts;
  replayed += other.replayed;
  orders += other.orders;
  rejected += other.rejected;
  shipped += other.shipped;
  trace = other.trace;
  return *this;
}

PowerCutStory::PowerCutStory(std::uint64_t seed, const StoryOptions& options)
    : system_(seed, world_options(options), test::Start::later),
      input_(random_input(random())),
      client_(system_.outside(), system_.client()),
      outside_(system_.outside(), "outside") {
  if (!sinew::tests::chosen_seed()) sinew::log::root().set_level(sinew::log::Level::off);
  for (const auto& order : input_.orders) {
    if (random().chance(0.3)) again_.push_back(order);
  }
}

// What is still under way outside goes with its scope.
PowerCutStory::~PowerCutStory() { system_.outside().crash(); }

Ordeal PowerCutStory::run() {
  start();
  open_doors();
  for (auto cuts = 2 + random().below(3); cuts > 0 && failure_.empty(); --cuts)
    live_until_a_cut();
  calm_ = true;
  system_.simulation().heal();
  system_.cut_power();  // a database that gave up on its disk waits for this
  start();
  settle();
  check();
  ordeal_.trace = system_.simulation().trace_hash();
  return ordeal_;
}

// As whatever supervises the process does: until it stands.
void PowerCutStory::start() {
  for (int attempt = 1; attempt <= most_starts; ++attempt) {
    if (!calm_ && random().chance(0.15))
      system_.cut_power_after(1 + random().below(start_operations));
    try {
      system_.start();
      return;
    } catch (const Stuck&) {
      if (!system_.down()) throw;
      ++ordeal_.cuts_in_a_start;
    } catch (const Error& error) {
      if (!error.transient()) throw;
      ++ordeal_.failed_starts;
    }
    system_.cut_power();
  }
  throw std::runtime_error("the host does not start");
}

void PowerCutStory::open_doors() {
  at_work_ = 2;
  outside_.spawn(bring_in_the_input(), "replay");
  outside_.spawn(post_again(), "post again");
}

Task<void> PowerCutStory::bring_in_the_input() {
  try {
    replay::ProgressBar bar(false);
    const auto result = co_await replay::replay(system_.outside(), input_, target_of(system_),
                                                sinew::Secret(TestSystem::carrier_secret), bar);
    EXPECT_EQ(result.refused, 0);
    EXPECT_EQ(result.confirmed + result.rejected, std::ssize(input_.orders));
  } catch (const std::exception& error) {
    failure_ = std::string("the replay: ") + error.what();
  }
  --at_work_;
}

// Beside the replay, from its first order on, several in one append: some stand there already, some
// come by this way first.
Task<void> PowerCutStory::post_again() {
  try {
    const std::string first =
        system_.url_of("sales") + "/orders/" + input_.orders.front().order.order_id;
    while ((co_await client_.send({.url = first})).status == 404)
      co_await sinew::async::sleep_for(std::chrono::milliseconds(20));
    for (std::size_t i = 0; i < again_.size(); i += orders_a_basket) {
      sales::Basket basket;
      for (std::size_t j = i; j < std::min(i + orders_a_basket, again_.size()); ++j)
        basket.orders.push_back(again_[j].order);
      const auto response = co_await client_.post_json(system_.url_of("sales") + "/baskets",
                                                       sinew::to_text(sinew::to_json(basket)));
      EXPECT_TRUE(response.success()) << "a basket once more: " << response.body;
    }
  } catch (const std::exception& error) {
    failure_ = std::string("the second customer: ") + error.what();
  }
  --at_work_;
}

void PowerCutStory::live_until_a_cut() {
  system_.provider.failures = static_cast<int>(random().below(3));
  system_.cut_power_after(1 + random().below(work_operations));
  const auto end = system_.simulation().now() + longest_life;
  system_.simulation().run_until([&] {
    return system_.down() || at_work_ == 0 || !failure_.empty() || system_.simulation().now() > end;
  });
  ++ordeal_.power_cuts;
  system_.cut_power();
  start();
}

void PowerCutStory::settle() {
  while (at_work_ > 0) {
    system_.run_for(std::chrono::seconds(1));
    replay_crashed();
  }
  if (!failure_.empty()) throw std::runtime_error(failure_);
  do {
    system_.settle();
  } while (replay_crashed() > 0);
}

// What an operator does: a message that was in work at three power cuts is parked, for it may have
// been the reason.
std::int64_t PowerCutStory::replay_crashed() {
  std::int64_t replayed = 0;
  for (const auto& [name, audit] : TestSystem::audits())
    replayed += replay_crashed(system_.context(name));
  ordeal_.replayed += replayed;
  return replayed;
}

std::int64_t PowerCutStory::replay_crashed(sinew::context::ContextRunner& context) {
  const sinew::messaging::Operator by{"ann", "it was the power", system_.node().new_id(),
                                      system_.node().wall_now()};
  const auto replayed = system_.node().run(
      context.database().transaction([&by](Transaction& tx) -> Task<std::int64_t> {
        co_return co_await sinew::messaging::replay(tx, {.reason = "crashed"}, by, false);
      }));
  context.wake();
  return replayed;
}

void PowerCutStory::check() {
  const auto activity = system_.activity();
  EXPECT_EQ(activity.outbox + activity.in_work + activity.waiting + activity.running_sagas, 0)
      << "it does not come to rest";
  EXPECT_EQ(activity.parked, 0);
  EXPECT_EQ(activity.stuck_sagas, 0);
  check_books();
  check_duplicates();
}

std::vector<books::ContextAudit> PowerCutStory::audits() {
  std::vector<books::ContextAudit> audits;
  for (const auto& [name, audit] : TestSystem::audits())
    audits.push_back(system_.audit(name));
  audits.push_back(system_.provider.audit());
  return audits;
}

void PowerCutStory::check_books() {
  const auto all = audits();
  const auto batches =
      system_.node().run(system_.context("reporting").database().read(reporting::batches));
  ASSERT_EQ(batches.size(), 1U);
  const auto statement = books::reconcile(batches, all);
  EXPECT_TRUE(statement.balanced()) << to_pretty_text(to_json(statement));
  EXPECT_EQ(statement.figures.size(), input_.totals.as_object().members().size());
  for (const auto& audit : all) {
    if (audit.context == "sales") check_orders(audit);
  }
}

// Each order was acknowledged: the replay had its answer.
void PowerCutStory::check_orders(const books::ContextAudit& sales) {
  EXPECT_EQ(sales.orders.size(), input_.orders.size());
  for (const auto& order : input_.orders) {
    const std::string& id = order.order.order_id;
    SCOPED_TRACE("order " + id);
    const auto found = sales.orders.find(id);
    ASSERT_NE(found, sales.orders.end()) << "acknowledged, and lost";
    const bool live = found->second.live.value_or(false);
    const Fate fate = fate_of(order.order);
    if (fate != Fate::either) {
      EXPECT_EQ(live, fate == Fate::confirmed) << system_.get("sales", "/orders/" + id).body;
    }
    if (live) EXPECT_EQ(found->second.shipped_date, order.shipped_date);
    ++ordeal_.orders;
    ordeal_.rejected += !live;
    ordeal_.shipped += live && order.shipped_date;
  }
}

void PowerCutStory::check_duplicates() {
  sales::PlaceOrder order = input_.orders.front().order;
  EXPECT_EQ(system_.post("sales", "/orders", sinew::to_json(order)).status, 200);
  ++order.lines.front().quantity;
  EXPECT_EQ(system_.post("sales", "/orders", sinew::to_json(order)).status, 409);
}

}  // namespace commerce::simulation
