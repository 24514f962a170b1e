// Messages through the embedded broker: published, delivered and settled, durable, from a context
// on another worker. BENCH_FOLDER names the folder; it must lie on a real disk.

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bench/measure.hpp"
#include "bench/stage.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/scope.hpp"

namespace {

using namespace sinew;
using bench::quantile;
using messaging::DestinationKind;

constexpr std::size_t data_bytes = 1000;
constexpr int keys = 1'000;  // of each publisher

struct Scenario {
  const char* name;
  DestinationKind kind;
  int publishers;
  int batch;    // messages a publish
  int batches;  // a publisher
  int consumers;
  double target;  // messages/s; 0: none
};

constexpr Scenario scenarios[] = {
    {"queue, 8 publishers of 64", DestinationKind::queue, 8, 64, 200, 2, 60'000},
    {"topic, 8 publishers of 64", DestinationKind::topic, 8, 64, 200, 2, 60'000},
    {"queue, one message at a time", DestinationKind::queue, 1, 1, 500, 1, 0},
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One scenario: the broker on the first worker, the context on the second.
class Run {
 public:
  Run(const Scenario& scenario, std::filesystem::path folder)
      : scenario_(scenario), folder_(std::move(folder)) {}

  void run() {
    bench::Stage(folder_).play([this](async::Reactor&, messaging::Broker& port) -> Task<void> {
      co_await port.declare(
          {.queues = {{.name = "work"}}, .topics = {{.name = "work", .partitions = 8}}});
      co_await exchange(port);
    });
  }

  void report() const {
    const double total = scenario_.publishers * scenario_.batch * scenario_.batches;
    fmt::print("{:30} {:9.0f} {:8.0f} {:8.1f} {:9.2f} {:9.2f}\n", scenario_.name, total / seconds_,
               scenario_.target, processor_ / total * 1e6, quantile(latencies_, 0.5) * 1e3,
               quantile(latencies_, 0.99) * 1e3);
  }

 private:
  Task<void> exchange(messaging::Broker& port) {
    async::Scope scope(co_await async::this_context());
    const double before = bench::processor_seconds();
    const auto start = Clock::now();
    for (int consumer = 0; consumer < scenario_.consumers; ++consumer)
      scope.spawn(consume(port));
    for (int publisher = 0; publisher < scenario_.publishers; ++publisher)
      scope.spawn(publish(port, publisher));
    co_await all_.wait();
    seconds_ = seconds_since(start);
    processor_ = bench::processor_seconds() - before;
    scope.cancel();
    co_await scope.join();
  }

  Task<void> publish(messaging::Broker& port, int publisher) {
    async::Runtime& runtime = *(co_await async::this_context()).runtime;
    const SharedBytes data(std::string(data_bytes, 'x'));
    int next = 0;
    for (int turn = 0; turn < scenario_.batches; ++turn) {
      std::vector<messaging::Message> batch(static_cast<std::size_t>(scenario_.batch));
      for (auto& message : batch) {
        message.destination = {scenario_.kind, "work"};
        message.envelope.id = runtime.new_id();
        message.envelope.source = "/bench";
        message.envelope.type = "bench.happened";
        message.envelope.ordering_key = fmt::format("{}-{}", publisher, next++ % keys);
        message.envelope.time = runtime.wall_now();
        message.envelope.data = data;
        message.envelope.extensions["sent"] =
            std::to_string(Clock::now().time_since_epoch().count());
      }
      co_await port.publish(std::move(batch));
    }
  }

  Task<void> consume(messaging::Broker& port) {
    messaging::SubscribeOptions options;
    options.source = {scenario_.kind, "work"};
    options.group = "bench";
    options.prefetch = 1000;
    const auto subscription = co_await port.subscribe(options);
    async::Scope settling(co_await async::this_context());
    for (;;) {
      const auto signals = co_await subscription->receive(256);
      std::vector<messaging::Settle> settlements;
      for (const auto& signal : signals) {
        const auto* delivery = std::get_if<messaging::Delivery>(&signal);
        if (delivery == nullptr) continue;
        note(*delivery);
        settlements.push_back({delivery->tag, messaging::Settlement::accepted});
      }
      settling.spawn(settle(*subscription, std::move(settlements)));
    }
  }

  Task<void> settle(messaging::Subscription& subscription,
                    std::vector<messaging::Settle> settlements) {
    const auto count = static_cast<int>(settlements.size());
    co_await subscription.settle(std::move(settlements));
    settled_ += count;
    if (settled_ == scenario_.publishers * scenario_.batch * scenario_.batches) all_.set();
  }

  void note(const messaging::Delivery& delivery) {
    const Clock::time_point sent(
        Clock::duration(std::stoll(delivery.message.envelope.extensions.at("sent"))));
    latencies_.push_back(seconds_since(sent));
  }

  const Scenario& scenario_;
  std::filesystem::path folder_;
  async::Event all_;
  int settled_ = 0;
  double seconds_ = 0;
  double processor_ = 0;
  std::vector<double> latencies_;
};

}  // namespace

int main() {
  const std::filesystem::path folder = bench::folder();
  fmt::print(
      "{}-byte messages of {} keys a publisher, published, delivered and settled; "
      "synchronous=FULL\n",
      data_bytes, keys);
  bench::print_sync(folder);
  fmt::print("{:30} {:>9} {:>8} {:>8} {:>9} {:>9}\n", "messages/s", "", "target", "cpu us",
             "p50 ms", "p99 ms");
  for (const Scenario& scenario : scenarios) {
    Run run(scenario, folder);
    run.run();
    run.report();
  }
}
