// Sagas of four steps, durable: across contexts, where each step is a command and its reply by
// outbox, queue and inbox; and in one database, where the steps are local and one transaction.
// BENCH_FOLDER names the folder; it must lie on a real disk.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/sqlite/backend.hpp"
#include "bench/measure.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/base/log.hpp"
#include "sinew/context/host.hpp"

namespace {

using namespace sinew;
using store::Transaction;

constexpr int in_flight = 200;

struct Done {
  static constexpr event::EventType type{"bench.done", 1};
  std::string saga;
};
BOOST_DESCRIBE_STRUCT(Done, (), (saga))

struct Reserve {
  static constexpr event::EventType type{"stock.reserve", 1};
  using Reply = Done;
  std::string saga;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (saga))

struct Charge {
  static constexpr event::EventType type{"bank.charge", 1};
  using Reply = Done;
  std::string saga;
};
BOOST_DESCRIBE_STRUCT(Charge, (), (saga))

struct OrderData {
  std::string saga;
  std::int64_t steps = 0;
};
BOOST_DESCRIBE_STRUCT(OrderData, (), (saga, steps))

constexpr store::Migration tables[] = {
    {1, "effects", "CREATE TABLE effects (position IDENTITY, saga TEXT NOT NULL);"}};

Task<void> write_effect(Transaction& tx, std::string saga) {
  co_await tx.execute("INSERT INTO effects (saga) VALUES (?)", {saga});
}

// Writes a row for each command, and answers.
template <class Command>
class Participant final : public context::Context {
 public:
  explicit Participant(std::string_view name) : name_(name) {}
  std::string_view name() const noexcept override { return name_; }
  void describe(context::ContextSpec& spec) override {
    spec.migrations(tables).answers(&Participant::answer);
  }

 private:
  Task<messaging::Answer<Done>> answer(Transaction& tx, Command command, const event::Envelope&) {
    co_await write_effect(tx, command.saga);
    co_return Done{command.saga};
  }

  std::string_view name_;
};

// Starts sagas, in_flight at a time.
class Shop final : public context::Context {
 public:
  std::string_view name() const noexcept override { return "shop"; }

  void describe(context::ContextSpec& spec) override {
    const auto reserve = [](const OrderData& data) { return Reserve{data.saga}; };
    const auto charge = [](const OrderData& data) { return Charge{data.saga}; };
    const auto counted = [this](Transaction&, OrderData&) -> Task<void> {
      ++ended_;
      progressed_.set();
      co_return;
    };
    spec.migrations(tables)
        .saga(saga::define<OrderData>("across", saga::Version{1})
                  .step("reserve", saga::ask<Reserve>(reserve))
                  .step("charge", saga::ask<Charge>(charge))
                  .pivot("pick", saga::ask<Reserve>(reserve))
                  .step("settle", saga::ask<Charge>(charge))
                  .step("end", saga::local(counted)))
        .saga(saga::define<OrderData>("within", saga::Version{1})
                  .step("reserve", saga::local(&Shop::step))
                  .step("charge", saga::local(&Shop::step))
                  .pivot("pick", saga::local(&Shop::step))
                  .step("settle", saga::local(&Shop::step))
                  .step("end", saga::local(counted)));
  }

  // Until `total` sagas of the definition are complete. On the context's worker.
  Task<void> drive(std::string definition, int total) {
    ended_ = 0;
    for (int started = 0; started < total; ++started) {
      while (started - ended_ >= in_flight) {
        progressed_.reset();
        co_await progressed_.wait();
      }
      scope_->spawn(start_one(definition));
    }
    while (ended_ < total) {
      progressed_.reset();
      co_await progressed_.wait();
    }
  }

  Task<void> start() override { scope_.emplace(co_await async::this_context()); }

 private:
  static Task<void> step(Transaction& tx, OrderData& data) {
    ++data.steps;
    co_await write_effect(tx, data.saga);
  }

  Task<void> start_one(std::string definition) {
    const event::Lineage lineage = co_await new_lineage();
    const std::string id = to_string(runtime().new_id());
    co_await database().transaction([&](Transaction& tx) -> Task<void> {
      co_await sagas().start(tx, definition, id, to_json(OrderData{id, 0}), lineage);
    });
  }

  std::optional<async::Scope> scope_;
  int ended_ = 0;
  async::Event progressed_;
};

struct Figures {
  double seconds;
  double processor;
};

Task<Figures> measure(async::Runtime& worker, Shop& shop, const char* definition, int total) {
  const double before = bench::processor_seconds();
  const bench::Stopwatch watch;
  co_await async::call_on(worker, [&] { return shop.drive(definition, total); });
  co_return Figures{watch.seconds(), bench::processor_seconds() - before};
}

void report(const char* name, int total, Figures figures, double target) {
  fmt::print("{:36} {:9.0f} {:8.0f} {:8.1f}\n", name, total / figures.seconds, target,
             figures.processor / total * 1e6);
}

// Broker, stock and bank on the first worker, the shop on the second.
void run(const std::filesystem::path& folder) {
  constexpr int across = 6'000;
  constexpr int within = 20'000;
  std::filesystem::remove_all(folder);
  async::WorkerGroup group({.workers = 2, .pools = {}, .on_stall = {}});
  sqlite::Backend backend;
  async::Event ended;
  group.run([&](async::Reactor& reactor, std::size_t index) -> Task<void> {
    if (index != 0) co_return;
    context::HostSettings settings;
    settings.folder = folder;
    context::Host host(settings, backend, {&reactor, &group.reactor(1)});
    auto shop = std::make_unique<Shop>();
    Shop& driver = *shop;
    host.add(std::make_unique<Participant<Reserve>>("stock"));
    host.add(std::move(shop));
    host.add(std::make_unique<Participant<Charge>>("bank"));
    co_await host.start();
    const auto measured = [&](const char* definition, int total) {
      return measure(group.reactor(1), driver, definition, total);
    };
    report("across three contexts", across, co_await measured("across", across), 1'500);
    report("in one database", within, co_await measured("within", within), 5'000);
    co_await host.drain();
  });
  std::filesystem::remove_all(folder);
}

}  // namespace

int main() {
  log::root().set_level(log::Level::warn);
  const std::filesystem::path folder = bench::folder();
  fmt::print("sagas of four steps, {} in flight, each step with a row; synchronous=FULL\n",
             in_flight);
  bench::print_sync(folder);
  fmt::print("{:36} {:>9} {:>8} {:>8}\n", "sagas/s", "", "target", "cpu us");
  run(folder / "sagas");
}
