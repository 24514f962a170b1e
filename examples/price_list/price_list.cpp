// Quotes of suppliers come in on a topic. Several cores look them over, as members of one group
// that share its partitions: some join and one leaves in the middle of the work, and yet the quotes
// of a product are looked over one after the other and none is left out. The prices they come to go
// to a second topic, of which only the last record of each product stays: the price list, which
// whoever wants it reads from the beginning. A product that is sold no more is a tombstone there.
//
//   price_list FOLDER    has its broker in FOLDER, a new one each time; prints the list, exits with
//   1 if it is wrong

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/sqlite/embedded_broker.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/base/error.hpp"

namespace {

using namespace sinew;
using messaging::Delivery;
using messaging::Destination;
using messaging::DestinationKind;

constexpr int products = 40;
constexpr int quotes = 50;  // of each product; the last one of every tenth takes it off the list
constexpr int members = 3;  // on workers of their own; the first worker is the broker's
constexpr int joining = products * quotes / 4;  // quotes after which the others come
constexpr int leaving = products * quotes / 2;  // and the first one goes

const Destination incoming{DestinationKind::topic, "supplier.quotes"};
const Destination list{DestinationKind::topic, "prices"};

std::string name_of(int product) { return fmt::format("product-{}", product); }

bool discontinued(std::string_view product) { return product.ends_with('0'); }

messaging::Message message(async::Runtime& runtime, Destination to, std::string product,
                           std::string_view data) {
  event::Envelope envelope;
  envelope.id = runtime.new_id();
  envelope.source = "/price-list";
  envelope.type = "price.changed";
  envelope.ordering_key = std::move(product);
  envelope.time = runtime.wall_now();
  envelope.data = SharedBytes(std::string(data));
  return {std::move(to), std::move(envelope)};
}

// What the members have looked over, product by product. Used by all workers.
class Seen {
 public:
  int add(const std::string& product, int quote) {
    const std::scoped_lock lock(mutex_);
    auto& last = last_[product];
    in_order_ = in_order_ && quote <= last + 1;  // a quote may come again, none may be left out
    last = std::max(last, quote);
    return ++count_;
  }
  bool all_in_order() {
    const std::scoped_lock lock(mutex_);
    return in_order_ && last_.size() == products &&
           std::ranges::all_of(last_, [](const auto& item) { return item.second == quotes; });
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> last_;
  int count_ = 0;
  bool in_order_ = true;
};

class PriceList {
 public:
  explicit PriceList(std::filesystem::path folder) : folder_(std::move(folder)) {}

  bool run() {
    async::WorkerGroup workers({.workers = 1 + members, .pools = {}, .on_stall = {}});
    workers_ = &workers;
    workers.run([this](async::Reactor& reactor, std::size_t index) {
      return index == 0 ? coordinate(reactor) : look_over(reactor, index);
    });
    return right_;
  }

 private:
  // The first worker: the broker, the suppliers, and whoever reads the list.
  Task<void> coordinate(async::Reactor& reactor) {
    sqlite::BrokerSettings settings;
    settings.database.path = folder_ / "broker.db";
    // Whoever asks for the list wants it short; 10 s would do for most.
    settings.retention_interval = std::chrono::milliseconds(250);
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(settings.database.path + suffix);
    auto broker = co_await sqlite::EmbeddedBroker::open(reactor, std::move(settings));
    auto port = broker->connect(reactor);
    co_await port->declare(
        {.queues = {},
         .topics = {
             {.name = incoming.name,
              .retention = messaging::Retention{.age = std::chrono::hours(1)}},
             {.name = list.name,
              .partitions = 2,
              .retention = messaging::Retention{
                  .compaction = messaging::Compaction{.tombstones = std::chrono::seconds(0)}}}}});
    co_await publish_quotes(reactor, *port);
    broker_ = broker.get();
    begun_.set();
    co_await wait_for_members();
    const auto records = co_await read_list(reactor, *port);
    right_ = seen_.all_in_order() && records == expected();
    report(records);
    port.reset();
    co_await broker->close();
  }

  static Task<void> publish_quotes(async::Runtime& runtime, messaging::Broker& port) {
    for (int quote = 1; quote <= quotes; ++quote) {
      std::vector<messaging::Message> batch;
      for (int product = 1; product <= products; ++product)
        batch.push_back(message(runtime, incoming, name_of(product), std::to_string(quote)));
      co_await port.publish(std::move(batch));
    }
  }

  Task<void> wait_for_members() {
    while (gone_ < members)
      co_await async::sleep_for(std::chrono::milliseconds(10));
  }

  // A member of the group, on its own worker. The first is there at once, the others come when a
  // quarter is done; the first goes when half is.
  Task<void> look_over(async::Reactor& reactor, std::size_t index) {
    co_await async::call_on(workers_->reactor(0), [this] { return begun_.wait(); });
    auto port = broker_->connect(reactor);
    const bool first = index == 1;
    if (!first) co_await async::call_on(workers_->reactor(0), [this] { return crowded_.wait(); });
    co_await handle_quotes(reactor, *port, first);
    port.reset();
    co_await async::call_on(workers_->reactor(0), [this]() -> Task<void> {
      ++gone_;
      co_return;
    });
  }

  Task<void> handle_quotes(async::Runtime& runtime, messaging::Broker& port, bool first) {
    messaging::SubscribeOptions options;
    options.source = incoming;
    options.group = "pricing";
    const auto subscription = co_await port.subscribe(std::move(options));
    int done = 0;
    while (co_await behind(port) && !(first && done >= leaving)) {
      std::vector<messaging::Signal> signals;
      try {
        signals = co_await async::with_deadline(runtime.now() + std::chrono::milliseconds(50),
                                                subscription->receive(16));
      } catch (const Error& error) {
        if (error.condition() != Condition::timeout) throw;
      }
      done = co_await price(runtime, port, *subscription, std::move(signals));
    }
    co_await subscription->close();
  }

  static Task<bool> behind(messaging::Broker& port) {
    const auto status = co_await port.lag(incoming.name, "pricing");
    for (const auto& lag : status.lag) {
      if (lag.records > 0) co_return true;
    }
    co_return false;
  }

  // Quotes become prices, and only then are accepted. Gives how many all members have done.
  Task<int> price(async::Runtime& runtime, messaging::Broker& port,
                  messaging::Subscription& subscription, std::vector<messaging::Signal> signals) {
    std::vector<messaging::Message> prices;
    std::vector<messaging::Settle> settlements;
    int done = 0;
    for (const auto& signal : signals) {
      const auto* delivery = std::get_if<Delivery>(&signal);
      if (delivery == nullptr) continue;
      const event::Envelope& quote = delivery->message.envelope;
      const std::string price(quote.data.view());
      done = seen_.add(quote.ordering_key, std::stoi(price));
      const bool off = std::stoi(price) == quotes && discontinued(quote.ordering_key);
      prices.push_back(message(runtime, list, quote.ordering_key, off ? "" : price));
      settlements.push_back({delivery->tag, messaging::Settlement::accepted});
    }
    co_await port.publish(std::move(prices));
    co_await subscription.settle(std::move(settlements));
    if (done >= joining) {
      co_await async::call_on(workers_->reactor(0), [this]() -> Task<void> {
        crowded_.set();
        co_return;
      });
    }
    co_return done;
  }

  using Prices = std::multimap<std::string, std::string>;
  static Prices expected() {
    Prices prices;
    for (int product = 1; product <= products; ++product) {
      if (!discontinued(name_of(product))) {
        prices.emplace(name_of(product), std::to_string(quotes));
      }
    }
    return prices;
  }

  // Until nothing but the last records is left: what is superseded goes soon, not at once.
  static Task<Prices> read_list(async::Runtime& runtime, messaging::Broker& port) {
    Prices prices;
    for (int attempt = 0; attempt < 400; ++attempt) {
      prices = co_await read_once(runtime, port);
      if (prices.size() <= products - (products / 10)) break;
      co_await async::sleep_for(std::chrono::milliseconds(300));
    }
    co_return prices;
  }

  // The topic as a table: its one reader begins anew each time.
  static Task<Prices> read_once(async::Runtime& runtime, messaging::Broker& port) {
    messaging::SubscribeOptions options;
    options.source = list;
    options.group = "list";
    options.prefetch = 1000;
    const auto subscription = co_await port.subscribe(options);
    Prices prices;
    while (true) {
      std::vector<messaging::Signal> signals;
      try {
        signals = co_await async::with_deadline(runtime.now() + std::chrono::milliseconds(200),
                                                subscription->receive(500));
      } catch (const Error& error) {
        if (error.condition() != Condition::timeout) throw;
        break;
      }
      std::vector<messaging::Settle> settlements;
      for (const auto& signal : signals) {
        const auto* delivery = std::get_if<Delivery>(&signal);
        if (delivery == nullptr) continue;
        const event::Envelope& envelope = delivery->message.envelope;
        prices.emplace(envelope.ordering_key, envelope.data.view());
        settlements.push_back({delivery->tag, messaging::Settlement::accepted});
      }
      co_await subscription->settle(std::move(settlements));
    }
    co_await subscription->close();
    co_await port.reset({.topic = list.name, .group = options.group});
    co_return prices;
  }

  void report(const Prices& prices) {
    for (const auto& [product, price] : prices)
      fmt::print("{:12} {:>4}\n", product, price);
    fmt::print("{} records for {} products; quotes looked over in order by {} members: {}\n",
               prices.size(), products, members, seen_.all_in_order() ? "yes" : "no");
  }

  std::filesystem::path folder_;
  async::WorkerGroup* workers_ = nullptr;
  sqlite::EmbeddedBroker* broker_ = nullptr;
  Seen seen_;
  bool right_ = false;
  // The first worker's.
  async::Event begun_;
  async::Event crowded_;
  int gone_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: price_list FOLDER\n");
    return 2;
  }
  try {
    std::filesystem::create_directories(argv[1]);
    return PriceList(argv[1]).run() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "price_list: {}\n", error.what());
    return 1;
  }
}
