// Messages between contexts with all that makes them safe: outbox, relay, inbox, the handler's own
// row. Broker and context have a worker and a database each. BENCH_FOLDER names the folder; it must
// lie on a real disk.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "bench/measure.hpp"
#include "bench/stage.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/messaging/relay.hpp"
#include "sinew/store/schema.hpp"

namespace {

using namespace sinew;
using bench::quantile;
using messaging::Destination;
using messaging::DestinationKind;

constexpr std::size_t data_bytes = 1000;
constexpr int keys = 1'000;
constexpr store::Migration tables[] = {
    {1, "business",
     "CREATE TABLE business (position IDENTITY, id BYTES NOT NULL, amount BIGINT NOT NULL);"}};

// The messages of a run: numbered, spread over the keys.
class Source {
 public:
  explicit Source(async::Runtime& runtime)
      : runtime_(runtime), data_(std::string(data_bytes, 'x')) {}

  event::Envelope next() {
    event::Envelope envelope;
    envelope.id = runtime_.new_id();
    envelope.source = "/bench";
    envelope.type = "bench.happened";
    envelope.ordering_key = fmt::format("key-{}", number_++ % keys);
    envelope.time = runtime_.wall_now();
    envelope.data = data_;
    return envelope;
  }

 private:
  async::Runtime& runtime_;
  SharedBytes data_;
  int number_ = 0;
};

// A row a message, in the transaction of the inbox mark.
class WriteRow final : public messaging::Handler {
 public:
  WriteRow(int expected, std::function<void()> entered)
      : expected_(expected), entered_(std::move(entered)) {}

  Task<void> handle(messaging::Handling& handling) override {
    if (entered_) entered_();
    const Uuid id = handling.message().id;
    co_await handling.commit([id](store::Transaction& tx) -> Task<void> {
      co_await tx.execute("INSERT INTO business (id, amount) VALUES (?, ?)", {id, 4711});
    });
    if (++handled_ == expected_) all_.set();
  }
  async::Event& all() noexcept { return all_; }

 private:
  int expected_;
  std::function<void()> entered_;
  int handled_ = 0;
  async::Event all_;
};

// A context's database with the tables of messaging and the one of the business.
Task<std::unique_ptr<sqlite::Database>> open_database(async::Runtime& runtime,
                                                      std::filesystem::path folder) {
  sqlite::Settings settings;
  settings.path = folder / "context.db";
  bench::remove_database(settings.path);
  auto database = co_await sqlite::Database::open(runtime, settings);
  co_await database->migrate(store::store_migrations());
  co_await database->migrate(messaging::messaging_migrations());
  co_await database->migrate({"bench", tables});
  co_return database;
}

messaging::ConsumerSettings consumer_settings(std::int32_t prefetch) {
  messaging::ConsumerSettings settings;
  settings.name = "bench";
  settings.source.source = {DestinationKind::queue, "work"};
  settings.source.prefetch = prefetch;
  return settings;
}

struct Figures {
  double seconds = 0;
  double processor = 0;
};
template <class Work>
Task<Figures> measure(Work work) {
  const double before = bench::processor_seconds();
  const bench::Stopwatch watch;
  co_await work();
  co_return Figures{watch.seconds(), bench::processor_seconds() - before};
}

void print_rate(const char* name, int messages, Figures figures, double target) {
  fmt::print("{:42} {:9.0f} {:8.0f} {:8.1f}\n", name, messages / figures.seconds, target,
             figures.processor / messages * 1e6);
}

Task<void> publish_all(messaging::Broker& port, Source& source, int batches, int batch) {
  for (int turn = 0; turn < batches; ++turn) {
    std::vector<messaging::Message> messages(static_cast<std::size_t>(batch));
    for (auto& message : messages)
      message = {{DestinationKind::queue, "work"}, source.next()};
    co_await port.publish(std::move(messages));
  }
}

// Published to a queue in batches; consumed with inbox mark and business row, prefetch 1000.
void consume(const std::filesystem::path& folder) {
  constexpr int publishers = 8;
  constexpr int batches = 80;
  constexpr int batch = 64;
  constexpr int total = publishers * batches * batch;
  Figures figures;
  bench::Stage(folder).play([&](async::Reactor& reactor, messaging::Broker& port) -> Task<void> {
    co_await port.declare({.queues = {{.name = "work"}}, .topics = {}});
    const auto database = co_await open_database(reactor, folder);
    WriteRow handler(total, {});
    messaging::Consumer consumer(reactor, *database, port, handler, consumer_settings(1000));
    Source source(reactor);
    async::Scope scope(co_await async::this_context());
    scope.spawn(consumer.run());
    figures = co_await measure([&]() -> Task<void> {
      for (int publisher = 0; publisher < publishers; ++publisher)
        scope.spawn(publish_all(port, source, batches, batch));
      co_await handler.all().wait();
    });
    consumer.stop();
    co_await scope.join();
    co_await database->close();
  });
  print_rate("queue, inbox and business row, by 64", total, figures, 25'000);
}

Task<void> fill(store::Database& database, store::Outbox& outbox, Source& source, int messages) {
  constexpr int per_transaction = 50;
  for (int done = 0; done < messages; done += per_transaction) {
    std::vector<event::Envelope> envelopes;
    for (int i = 0; i < per_transaction; ++i)
      envelopes.push_back(source.next());
    co_await database.transaction([&](store::Transaction& tx) -> Task<void> {
      for (const event::Envelope& envelope : envelopes)
        co_await outbox.insert(tx, {DestinationKind::topic, "events"}, envelope);
    });
  }
}

Task<void> fill_by_batch(store::Database& database, store::Outbox& outbox, Source& source,
                         int messages) {
  constexpr int per_transaction = 50;
  for (int done = 0; done < messages; done += per_transaction) {
    store::OutboxBatch batch;
    for (int i = 0; i < per_transaction; ++i)
      batch.add({DestinationKind::topic, "events"}, source.next());
    co_await database.transaction([&](store::Transaction& tx) -> Task<void> {
      [[maybe_unused]] const auto all = co_await outbox.insert_all(tx, batch);
    });
  }
}

// What a context writes, 50 messages a transaction: each with insert(), and as one batch.
void write(const std::filesystem::path& folder) {
  constexpr int total = 40'000;
  Figures single;
  Figures batch;
  bench::Stage(folder).play([&](async::Reactor& reactor, messaging::Broker&) -> Task<void> {
    const auto database = co_await open_database(reactor, folder);
    store::Outbox outbox;
    Source source(reactor);
    single = co_await measure([&] { return fill(*database, outbox, source, total); });
    batch = co_await measure([&] { return fill_by_batch(*database, outbox, source, total); });
    co_await database->close();
  });
  print_rate("into the outbox, 50 a transaction", total, single, 0);
  print_rate("the same, as batches", total, batch, 0);
}

// A full outbox emptied into a topic, by 256.
void relay(const std::filesystem::path& folder) {
  constexpr int total = 60'000;
  Figures figures;
  bench::Stage(folder).play([&](async::Reactor& reactor, messaging::Broker& port) -> Task<void> {
    co_await port.declare({.queues = {}, .topics = {{.name = "events", .partitions = 8}}});
    const auto database = co_await open_database(reactor, folder);
    store::Outbox outbox;
    Source source(reactor);
    co_await fill(*database, outbox, source, total);
    messaging::Relay relay(reactor, *database, outbox, port);
    async::Scope scope(co_await async::this_context());
    figures = co_await measure([&]() -> Task<void> {
      scope.spawn(relay.run());
      while (relay.status().published < total)
        co_await async::sleep_for(std::chrono::milliseconds(1));
    });
    scope.cancel();
    co_await scope.join();
    co_await database->close();
  });
  print_rate("outbox to topic, by 256", total, figures, 50'000);
}

// One message at a time: a business commit writes it to the outbox, a handler is entered with it.
// Measured when the write-ahead logs have their size and are written over: a file that grows costs
// the disk more.
std::vector<double> pass_one_by_one(const std::filesystem::path& folder) {
  constexpr int unmeasured = 2'000;
  constexpr int total = unmeasured + 2'000;
  std::vector<double> seconds;
  bench::Stage(folder).play([&](async::Reactor& reactor, messaging::Broker& port) -> Task<void> {
    co_await port.declare({.queues = {{.name = "work"}}, .topics = {}});
    const auto database = co_await open_database(reactor, folder);
    store::Outbox outbox;
    Source source(reactor);
    async::Channel<double> entered(1);
    bench::Stopwatch watch;
    WriteRow handler(total, [&] { entered.try_send(watch.seconds()); });
    messaging::Consumer consumer(reactor, *database, port, handler, consumer_settings(64));
    messaging::Relay relay(reactor, *database, outbox, port);
    async::Scope scope(co_await async::this_context());
    scope.spawn(consumer.run());
    scope.spawn(relay.run());
    for (int i = 0; i < total; ++i) {
      const event::Envelope envelope = source.next();
      watch = {};
      co_await database->transaction([&](store::Transaction& tx) -> Task<void> {
        co_await tx.execute("INSERT INTO business (id, amount) VALUES (?, ?)", {envelope.id, 1});
        co_await outbox.insert(tx, {DestinationKind::queue, "work"}, envelope);
      });
      const double passed = (co_await entered.receive()).value();
      if (i >= unmeasured) seconds.push_back(passed);
    }
    consumer.stop();
    scope.cancel();
    co_await scope.join();
    co_await database->close();
  });
  return seconds;
}

}  // namespace

int main() {
  const std::filesystem::path folder = bench::folder();
  fmt::print("{}-byte messages of {} keys; synchronous=FULL\n", data_bytes, keys);
  bench::print_sync(folder);
  fmt::print("{:42} {:>9} {:>8} {:>8}\n", "messages/s", "", "target", "cpu us");
  consume(folder);
  write(folder);
  relay(folder);
  const std::vector<double> passed = pass_one_by_one(folder);
  const double sync = bench::print_sync(folder);  // as the disk was just now
  fmt::print(
      "one message, from the call of the commit to the handler: p50 {:.2f} ms, p99 {:.2f} ms = "
      "{:.1f} x p99 of fdatasync, target <= 3\n",
      quantile(passed, 0.5) * 1e3, quantile(passed, 0.99) * 1e3, quantile(passed, 0.99) / sync);
}
