// Four threads of a program publish a thousand readings each, and the host is stopped in the middle
// of it. What was not confirmed is published again, under its id, when the host is back: totals has
// every reading once.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sqlite/backend.hpp"
#include "examples/embedding/meter.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/background_host.hpp"

namespace {

using namespace embedding;
using namespace std::chrono_literals;
using sinew::Condition;
using sinew::Uuid;
using sinew::context::BackgroundHost;
using sinew::context::Entrance;

constexpr int threads = 4;
constexpr int readings_a_thread = 1000;
constexpr std::size_t at_once = 200;    // readings that a thread has on their way
constexpr std::size_t held_back = 100;  // for the host's end, however fast the machine is

struct Reading {
  Uuid id;
  ReadingTaken event;
};
using Readings = std::deque<Reading>;

// One thread's work. The ids are chosen before, so that a repetition is known as one.
class Publisher {
 public:
  explicit Publisher(Readings readings) : readings_(std::move(readings)) {}

  // Until all is confirmed, or the host ends; what is not confirmed then is left for the next time.
  // The last ones wait until `end` is true.
  void publish(const Entrance& meter, const std::atomic<bool>& end) {
    Readings unconfirmed;
    try {
      while (!readings_.empty() || !on_their_way_.empty()) {
        if (readings_.size() == held_back) end.wait(false);
        const bool room = !readings_.empty() && on_their_way_.size() < at_once;
        if (!room || !send(meter)) confirm(unconfirmed);
      }
    } catch (const sinew::Error& error) {
      if (error.condition() != Condition::unavailable) throw;  // the host ends
    }
    while (!on_their_way_.empty())
      confirm(unconfirmed);
    for (Reading& reading : unconfirmed)
      readings_.push_back(std::move(reading));
  }
  std::size_t left() const noexcept { return readings_.size(); }
  // From another thread.
  void wait_until_confirmed(int count) const noexcept {
    for (int seen = confirmed_; seen < count; seen = confirmed_)
      confirmed_.wait(seen);
  }

 private:
  struct Sent {
    Reading reading;
    sinew::async::Future<Uuid> outcome;
  };

  // False when the context has as much under way as it takes: wait for something of it.
  bool send(const Entrance& meter) {
    Reading& next = readings_.front();
    try {
      auto outcome = meter.publish(next.event, next.event.meter, next.id);
      on_their_way_.push_back({std::move(next), std::move(outcome)});
    } catch (const sinew::Error& error) {
      if (error.condition() != Condition::exhausted || on_their_way_.empty()) throw;
      return false;
    }
    readings_.pop_front();
    return true;
  }
  // The oldest one.
  void confirm(Readings& unconfirmed) {
    Sent sent = std::move(on_their_way_.front());
    on_their_way_.pop_front();
    try {
      sent.outcome.get(1min);
      ++confirmed_;
      confirmed_.notify_all();
    } catch (const sinew::Error&) {
      unconfirmed.push_back(std::move(sent.reading));
    }
  }

  Readings readings_;
  std::deque<Sent> on_their_way_;
  std::atomic<int> confirmed_ = 0;
};

Readings readings_of(int thread) {
  Readings readings;
  for (int i = 0; i < readings_a_thread; ++i) {
    const std::string meter = "meter-" + std::to_string(thread);
    readings.push_back({sinew::derive_uuid(Uuid(), meter + "/" + std::to_string(i)), {meter, i}});
  }
  return readings;
}

struct System {
  explicit System(const std::filesystem::path& folder)
      : host({.folder = folder}, backend, {.workers = 2}) {
    host.add(std::make_unique<Meter>());
    host.add(std::make_unique<Totals>());
    host.start();
  }
  sinew::sqlite::Backend backend;
  BackgroundHost host;
};

void publish_readings(const std::filesystem::path& folder) {
  std::deque<Publisher> publishers;
  for (int thread = 0; thread < threads; ++thread)
    publishers.emplace_back(readings_of(thread));
  std::atomic<bool> ended = false;
  const auto start_all = [&](const Entrance& meter) {
    std::vector<std::jthread> started;
    for (Publisher& publisher : publishers)
      started.emplace_back([&publisher, &ended, meter] { publisher.publish(meter, ended); });
    return started;
  };

  std::size_t left = 0;
  {
    System system(folder);
    const auto at_work = start_all(system.host.entrance("meter"));
    publishers.front().wait_until_confirmed(readings_a_thread / 2);
    system.host.stop();
    ended = true;
    ended.notify_all();
  }
  for (const Publisher& publisher : publishers)
    left += publisher.left();
  std::printf("the host stopped with %zu of %d readings unconfirmed\n", left,
              threads * readings_a_thread);
  expect(left > 0, "the host stopped before all was published");

  System again(folder);
  start_all(again.host.entrance("meter"));  // and waits for them
  const Entrance totals = again.host.entrance("totals");
  while (counted(totals).readings < threads * readings_a_thread) {
  }
  again.host.stop();

  System once_more(folder);
  const Counted all = counted(once_more.host.entrance("totals"));
  expect(all.readings == threads * readings_a_thread, "every reading was added");
  expect(all.most_often == 1, "and none twice");
  std::printf("all %lld readings were added, each once\n", static_cast<long long>(all.readings));
}

}  // namespace

int main(int count, char** arguments) { return run_in_folder(count, arguments, publish_readings); }
