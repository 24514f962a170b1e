// A program without coroutines of its own: it starts a host, publishes, asks, reads a context's
// database and handles events on its main thread, each call blocking with a timeout.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "adapters/sqlite/backend.hpp"
#include "examples/embedding/meter.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/background_host.hpp"
#include "sinew/context/subscriber.hpp"

namespace {

using namespace embedding;
using namespace std::chrono_literals;
using sinew::Condition;
using sinew::context::BackgroundHost;
using sinew::context::Entrance;
using sinew::context::Subscriber;

constexpr auto patience = 1min;
constexpr int readings = 20;

// The condition of the error that `call` must fail with.
template <class F>
Condition refused(F call) {
  try {
    call();
  } catch (const sinew::Error& error) {
    std::printf("refused, as it should be: %s\n", error.what());
    return error.condition();
  }
  throw std::runtime_error("it was not refused");
}

void publish_and_ask(const Entrance& meter) {
  for (int value = 1; value <= readings; ++value)
    meter.publish(ReadingTaken{"m-1", value}, "m-1").get(patience);

  Total total;
  while (total.readings < readings)  // totals hears of them a moment later
    total = std::get<Total>(meter.ask(AskTotal{"m-1"}, patience).get(patience));
  expect(total.value == readings * (readings + 1) / 2, "the total is that of the readings");
}

void make_mistakes(BackgroundHost& host) {
  const Entrance meter = host.entrance("meter");
  const auto wait_for_itself = [&]() -> sinew::Task<Condition> {
    auto future = meter.publish(ReadingTaken{"m-1", 0}, "other");
    co_return refused([&] { future.get(patience); });
  };
  expect(meter.call(wait_for_itself).get(patience) == Condition::invalid_input,
         "a worker is not blocked");
  expect(refused([&] { (void)host.entrance("totals").publish(ReadingTaken{"m-1", 1}, "m-1"); }) ==
             Condition::invalid_input,
         "a context publishes its own events only");
  expect(refused([&] { meter.publish(ReadingTaken{"m-1", 1}, "").get(patience); }) ==
             Condition::invalid_input,
         "a key is needed");
}

void block(const std::filesystem::path& folder) {
  sinew::async::ForeignLoop events;
  std::vector<std::int64_t> values;
  sinew::sqlite::Backend backend;
  BackgroundHost host({.folder = folder}, backend);
  host.add(std::make_unique<Meter>());
  host.add(std::make_unique<Totals>());
  host.add(std::make_unique<Subscriber<ReadingTaken>>(
      "display", events, [&values](const ReadingTaken& reading, const sinew::event::Envelope&) {
        if (reading.value > 0) values.push_back(reading.value);
      }));
  const Entrance meter = host.entrance("meter");
  expect(refused([&] { (void)meter.publish(ReadingTaken{"m-1", 1}, "m-1"); }) ==
             Condition::unavailable,
         "nothing is published before the start");
  host.start();

  publish_and_ask(meter);
  make_mistakes(host);
  while (values.size() < readings) {
    events.wait(patience);
    events.run_posted();
  }
  for (int i = 0; i < readings; ++i)
    expect(values[static_cast<std::size_t>(i)] == i + 1, "this thread had the events in order");

  host.stop();
  expect(refused([&] { (void)meter.publish(ReadingTaken{"m-1", 1}, "m-1"); }) ==
             Condition::unavailable,
         "nor after the stop");
  std::printf("%d readings published, asked for and displayed\n", readings);
}

}  // namespace

int main(int count, char** arguments) { return run_in_folder(count, arguments, block); }
