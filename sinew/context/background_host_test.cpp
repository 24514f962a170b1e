#include "sinew/context/background_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "sinew/async/worker_thread.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/subscriber.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::error_of;

// Real threads and a real clock: each test waits for what it expects.
class BackgroundHostTest : public testing::Test {
 protected:
  BackgroundHostTest() { log::root().set_level(log::Level::off); }

  struct System {
    System(std::filesystem::path folder, std::size_t workers)
        : host({.folder = std::move(folder)}, backend, {.workers = workers}) {
      host.add(std::make_unique<Shop>());
      host.add(std::make_unique<Stock>());
    }
    std::int64_t heard() const {
      return host.entrance("stock")
          .read([](store::Transaction& tx) -> Task<std::int64_t> {
            co_return (co_await tx.execute("SELECT COUNT(*) FROM heard"))[0].integer(0);
          })
          .get(patience);
    }
    sqlite::Backend backend;
    BackgroundHost host;
  };
  static constexpr auto patience = 60s;

  std::filesystem::path folder(const char* name) const { return folder_.file(name); }

 private:
  tests::TemporaryFolder folder_;
};

TEST_F(BackgroundHostTest, PublishesFromManyThreadsAndIsTheSameAfterARestart) {
  constexpr int threads = 4;
  constexpr int events = 100;
  for (int round = 1; round <= 2; ++round) {
    System system(folder("system"), 2);
    system.host.start();
    const Entrance shop = system.host.entrance("shop");
    {
      std::vector<std::jthread> publishers;
      for (int thread = 0; thread < threads; ++thread) {
        publishers.emplace_back([=] {
          for (int i = 0; i < events; ++i) {
            const std::string order =
                std::to_string(round) + "-" + std::to_string(thread) + "-" + std::to_string(i);
            EXPECT_FALSE(shop.publish(OrderPlaced{order}, order).get(patience).is_nil());
          }
        });
      }
    }
    while (system.heard() < round * threads * events) {
    }
    EXPECT_EQ(system.heard(), round * threads * events);
    system.host.stop();
  }
}

TEST_F(BackgroundHostTest, HostsTwoInOneProcess) {
  System one(folder("one"), 1);
  System two(folder("two"), 1);
  one.host.start();
  two.host.start();

  one.host.entrance("shop").publish(OrderPlaced{"o-1"}, "o-1").get(patience);
  while (one.heard() < 1) {
  }

  EXPECT_EQ(two.heard(), 0);
  one.host.stop();
  two.host.entrance("shop").publish(OrderPlaced{"o-2"}, "o-2").get(patience);
}

TEST_F(BackgroundHostTest, SaysWhyItDoesNotStart) {
  System first(folder("system"), 1);
  first.host.start();
  System second(folder("system"), 1);

  const Error error = error_of([&] { second.host.start(); });
  const Error again = error_of([&] { second.host.start(); });

  EXPECT_EQ(error.condition(), Condition::conflict);
  EXPECT_EQ(again.condition(), Condition::invalid_input);
  EXPECT_EQ(first.heard(), 0) << "the first is as it was";
}

TEST_F(BackgroundHostTest, TakesNoSignals) {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  struct sigaction action_before{};
  ::sigaction(SIGTERM, nullptr, &action_before);
  System system(folder("system"), 2);
  system.host.start();

  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  struct sigaction action_after{};
  ::sigaction(SIGTERM, nullptr, &action_after);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD, SIGPIPE, SIGUSR1})
    EXPECT_EQ(::sigismember(&before, signal), ::sigismember(&after, signal));
  EXPECT_EQ(action_after.sa_handler, action_before.sa_handler);
}

TEST_F(BackgroundHostTest, RefusesToBeWaitedForByItsOwnWorkers) {
  System system(folder("system"), 1);
  system.host.start();
  const Entrance shop = system.host.entrance("shop");

  const auto blocked = [&]() -> Task<Condition> {
    auto future = shop.publish(OrderPlaced{"o-1"}, "o-1");
    co_return error_of([&] { future.get(patience); }).condition();
  };
  const auto stopped = [&]() -> Task<Condition> {
    co_return error_of([&] { system.host.stop(); }).condition();
  };

  System other(folder("other"), 1);
  const auto started = [&]() -> Task<Condition> {
    co_return error_of([&] { other.host.start(); }).condition();
  };

  EXPECT_EQ(shop.call(blocked).get(patience), Condition::invalid_input);
  EXPECT_EQ(shop.call(started).get(patience), Condition::invalid_input);
  other.host.start();  // nothing had begun
  EXPECT_EQ(shop.call(stopped).get(patience), Condition::invalid_input);
}

TEST_F(BackgroundHostTest, FinishesAtItsStopWhatWasConfirmedAndRefusesTheRest) {
  constexpr int threads = 3;
  std::atomic<int> confirmed = 0;
  std::atomic<int> unknown = 0;
  {
    System system(folder("system"), 2);
    system.host.start();
    const Entrance shop = system.host.entrance("shop");
    std::vector<std::jthread> publishers;
    for (int thread = 0; thread < threads; ++thread) {
      publishers.emplace_back([&, thread] {
        for (int i = 0;; ++i) {
          const std::string order = std::to_string(thread) + "-" + std::to_string(i);
          try {
            shop.publish(OrderPlaced{order}, order).get(patience);
            ++confirmed;
          } catch (const Error& error) {
            if (error.applied() == Applied::unknown) ++unknown;
            EXPECT_EQ(error.condition(), Condition::unavailable) << error.detail();
            return;
          }
        }
      });
    }
    while (confirmed < 50) {
    }
    system.host.stop();
  }
  System again(folder("system"), 2);
  again.host.start();
  while (again.heard() < confirmed) {
  }
  EXPECT_LE(again.heard(), confirmed + unknown);
}

TEST_F(BackgroundHostTest, BringsEventsToAThreadOfTheProgram) {
  async::ForeignLoop loop;
  std::vector<std::string> labels;
  int failures = 1;
  System system(folder("system"), 2);
  system.host.add(std::make_unique<Subscriber<OrderPlaced>>(
      "labels", loop, [&](const OrderPlaced& order, const event::Envelope& message) {
        EXPECT_FALSE(async::on_worker());
        EXPECT_EQ(message.subject, order.order);
        if (failures-- > 0) throw std::runtime_error("out of paper");
        labels.push_back(order.order);
      }));
  system.host.start();
  const Entrance shop = system.host.entrance("shop");
  for (const char* order : {"o-1", "o-2"})
    shop.publish(OrderPlaced{order}, order).get(patience);

  while (labels.size() < 2) {
    loop.wait(1s);
    loop.run_posted();
  }
  system.host.stop();

  EXPECT_THAT(std::set(labels.begin(), labels.end()), ElementsAre("o-1", "o-2"));
}

TEST_F(BackgroundHostTest, StopsAlthoughALoopRunsNoMore) {
  async::ForeignLoop loop;
  std::vector<std::string> labels;
  const auto add = [&](const OrderPlaced& order, const event::Envelope&) {
    labels.push_back(order.order);
  };
  {
    sqlite::Backend backend;
    BackgroundHost host({.folder = folder("system"), .drain = 50ms}, backend);
    host.add(std::make_unique<Shop>());
    host.add(std::make_unique<Subscriber<OrderPlaced>>("labels", loop, add));
    host.start();
    host.entrance("shop").publish(OrderPlaced{"o-1"}, "o-1").get(patience);
    loop.wait(patience);  // the callback waits, and nobody runs it
    host.stop();
  }
  loop.run_posted();
  EXPECT_THAT(labels, ElementsAre());

  sqlite::Backend backend;
  BackgroundHost host({.folder = folder("system")}, backend);
  host.add(std::make_unique<Subscriber<OrderPlaced>>("labels", loop, add));
  host.start();
  while (labels.empty()) {
    loop.wait(1s);
    loop.run_posted();
  }
  EXPECT_THAT(labels, ElementsAre("o-1")) << "it comes again";
}

}  // namespace
}  // namespace sinew::context
