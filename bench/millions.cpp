// What an operation costs beside a million parked messages, and beside a million finished sagas:
// pages of the database looked at, and time, against an empty store. BENCH_FOLDER names the folder;
// it must lie on a real disk.

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "bench/measure.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "sinew/saga/builder.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/store/schema.hpp"

namespace {

using namespace sinew;
using store::Transaction;

constexpr int default_count = 1'000'000;
constexpr int repetitions = 200;
constexpr const char* consumer = "bench";

// Every connection that this process opens, to be asked for the pages it looked at.
std::vector<sqlite3*> connections;

int remember_connection(sqlite3* connection, const char**, const sqlite3_api_routines*) {
  connections.push_back(connection);
  return SQLITE_OK;
}

// In the cache or on the disk: what a statement costs whatever the cache holds.
std::int64_t pages_looked_at() {
  std::int64_t pages = 0;
  for (sqlite3* connection : connections) {
    for (const int counter : {SQLITE_DBSTATUS_CACHE_HIT, SQLITE_DBSTATUS_CACHE_MISS}) {
      int value = 0;
      int highest = 0;
      sqlite3_db_status(connection, counter, &value, &highest, 0);
      pages += value;
    }
  }
  return pages;
}

void check(int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  fmt::print(stderr, "SQLite: {}\n", sqlite3_errstr(code));
  std::exit(1);
}

// The plain way in, to fill tables before the database opens.
class Filler {
 public:
  explicit Filler(const std::string& path) {
    check(sqlite3_open(path.c_str(), &database_));
    execute("BEGIN");
  }
  ~Filler() {
    execute("COMMIT");
    sqlite3_close(database_);
    connections.clear();
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  void execute(const char* sql) { check(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr)); }
  // Runs `sql` `count` times; ?1 is the number, ?2 an ascending id of 16 bytes, ?3 `blob`.
  void fill(const char* sql, int count, std::string_view blob) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr));
    for (int i = 1; i <= count; ++i) {
      const std::string id = fmt::format("{:016}", i);
      sqlite3_bind_int(statement, 1, i);
      sqlite3_bind_blob(statement, 2, id.data(), static_cast<int>(id.size()), SQLITE_TRANSIENT);
      sqlite3_bind_blob(statement, 3, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
      check(sqlite3_step(statement));
      sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
  }

 private:
  sqlite3* database_ = nullptr;
};

std::string envelope_bytes() {
  event::Envelope envelope;
  envelope.id = Uuid::from_bytes("0123456789abcdef");
  envelope.source = "/bench";
  envelope.type = "bench.happened";
  envelope.ordering_key = "key";
  envelope.data = SharedBytes(std::string(200, 'x'));
  return event::encode(envelope);
}

void fill(const std::string& path, int count) {
  if (count == 0) return;
  Filler filler(path);
  filler.fill(
      "INSERT INTO consumer_backlog (consumer, sequence, state, ordering_key, source, message_id, "
      "type, hops, attempts, arrived_at, not_before, reason, first_error, last_error, envelope) "
      "VALUES ('bench', ?2, 'parked', 'parked-' || ?1, '/bench', ?2, 'bench.happened', 0, 5, ?1, "
      "?1, 'exhausted_retries', 'no', 'no', ?3)",
      count, envelope_bytes());
  filler.execute(
      "INSERT INTO consumer_backlog_counts SELECT consumer, state, COUNT(*) FROM consumer_backlog "
      "GROUP BY consumer, state");
  filler.fill(
      "INSERT INTO saga_instances (definition, id, definition_version, status, live, step, "
      "attempt, attempt_group, command_id, rejected, error, data, correlation_id, causation_id, "
      "traceparent, hops, revision, started_at, updated_at) VALUES ('local', 'done-' || ?1, 1, "
      "'completed', 0, 4, 1, 1, ?2, 0, '', '{}', ?2, ?2, '', 0, 5, ?1, ?1)",
      count, {});
}

struct Empty {};
BOOST_DESCRIBE_STRUCT(Empty, (), ())

Task<void> nothing(Transaction&, Empty&) { co_return; }

saga::Definition local_saga() {
  return saga::define<Empty>("local", saga::Version{1})
      .step("one", saga::local(nothing))
      .pivot("two", saga::local(nothing))
      .step("three", saga::local(nothing));
}

// One store, and what is done to it.
class Store {
 public:
  Store(async::Reactor& reactor, const std::string& path) : reactor_(reactor), backlog_(consumer) {
    database_ = reactor.run(open(reactor, path));
    sagas_ = std::make_unique<saga::Orchestrator>(reactor, *database_, outbox_,
                                                  saga::Address{"/bench", "bench.replies"});
    sagas_->add(local_saga());
  }
  ~Store() {
    sagas_.reset();
    reactor_.run(database_->close());
    connections.clear();
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  static Task<std::unique_ptr<sqlite::Database>> open(async::Reactor& reactor, std::string path) {
    sqlite::Settings settings;
    settings.path = std::move(path);
    auto database = co_await sqlite::Database::open(reactor, settings);
    co_await database->migrate(store::store_migrations());
    co_await database->migrate(messaging::messaging_migrations());
    co_await database->migrate(saga::saga_migrations());
    co_return database;
  }

  struct Cost {
    double pages = 0;
    double microseconds = 0;
  };
  // Of one operation, the mean of many.
  Cost cost_of(const std::function<Task<void>(Store&)>& operation) {
    reactor_.run(operation(*this));  // statements are prepared
    const std::int64_t before = pages_looked_at();
    const bench::Stopwatch watch;
    for (int i = 0; i < repetitions; ++i)
      reactor_.run(operation(*this));
    return {static_cast<double>(pages_looked_at() - before) / repetitions,
            watch.seconds() / repetitions * 1e6};
  }

  Task<void> park_and_discard() {
    messaging::BacklogEntry entry = new_entry();
    co_await database_->transaction([&](Transaction& tx) -> Task<void> {
      if (co_await backlog_.has_key(tx, entry.key)) co_return;
      co_await backlog_.add(tx, entry);
      co_await backlog_.park(tx, entry.sequence, "poison", "no");
    });
    co_await database_->transaction([&](Transaction& tx) -> Task<void> {
      co_await backlog_.remove(tx, entry.sequence, reactor_.wall_now());
    });
  }
  Task<void> look_for_due() {
    co_await database_->read([&](Transaction& tx) -> Task<void> {
      co_await backlog_.due(tx, reactor_.wall_now(), 64);
      co_await backlog_.next_due(tx, reactor_.wall_now());
      co_await backlog_.size(tx);
    });
  }
  Task<void> count_for_health() {
    co_await database_->read([](Transaction& tx) -> Task<void> {
      co_await messaging::count_backlog(tx);
      co_await saga::count_instances(tx);
    });
  }
  Task<void> start_saga() {
    const std::string id = to_string(reactor_.new_id());
    co_await database_->transaction([&](Transaction& tx) -> Task<void> {
      co_await sagas_->start(tx, "local", id, to_json(Empty()), {});
    });
  }
  Task<void> look_for_due_sagas() {
    co_await database_->read([&](Transaction& tx) -> Task<void> {
      co_await saga::due_instances(tx, reactor_.wall_now(), 64);
      co_await saga::next_wake(tx, reactor_.wall_now());
    });
  }
  Task<void> check_live_versions() {
    co_await database_->read(
        [](Transaction& tx) -> Task<void> { co_await saga::live_versions(tx); });
  }
  Task<void> list_suspended() {
    co_await database_->read([](Transaction& tx) -> Task<void> {
      co_await saga::list_instances(
          tx, {.definition = "", .status = saga::Status::suspended, .before = {}});
    });
  }

 private:
  messaging::BacklogEntry new_entry() {
    messaging::BacklogEntry entry;
    entry.sequence = reactor_.new_id();
    entry.message.id = reactor_.new_id();
    entry.message.source = "/bench";
    entry.message.type = "bench.happened";
    entry.message.ordering_key = entry.key = to_string(entry.message.id);
    return entry;
  }

  async::Reactor& reactor_;
  messaging::Backlog backlog_;
  store::Outbox outbox_;
  std::unique_ptr<sqlite::Database> database_;
  std::unique_ptr<saga::Orchestrator> sagas_;
};

struct Operation {
  const char* name;
  Task<void> (Store::*run)();
};
constexpr Operation operations[] = {
    {"park a message, discard it", &Store::park_and_discard},
    {"look for due retries", &Store::look_for_due},
    {"counts for /health and /metrics", &Store::count_for_health},
    {"a saga of three local steps", &Store::start_saga},
    {"look for due sagas", &Store::look_for_due_sagas},
    {"live versions, at start", &Store::check_live_versions},
    {"list suspended sagas", &Store::list_suspended},
};

std::vector<Store::Cost> costs(async::Reactor& reactor, const std::string& path, int count) {
  bench::remove_database(path);
  reactor.run(reactor.run(Store::open(reactor, path))->close());
  connections.clear();
  fill(path, count);
  Store store(reactor, path);
  std::vector<Store::Cost> costs;
  for (const Operation& operation : operations)
    costs.push_back(store.cost_of([&](Store& of) { return (of.*operation.run)(); }));
  return costs;
}

}  // namespace

int main(int arguments, char** argument) {
  const int count = arguments > 1 ? std::stoi(argument[1]) : default_count;
  check(sqlite3_auto_extension(reinterpret_cast<void (*)()>(remember_connection)));
  const std::filesystem::path folder = bench::folder();
  fmt::print("with {} parked messages and as many finished sagas, against none; synchronous=FULL\n",
             count);
  bench::print_sync(folder);
  async::OffloadPools pools;
  async::Reactor reactor(pools);
  const std::string path = folder / "millions.db";
  const auto empty = costs(reactor, path, 0);
  const auto full = costs(reactor, path, count);
  fmt::print("{:34} {:>9} {:>9} {:>9} {:>9}\n", "an operation", "pages, 0", "pages, n", "us, 0",
             "us, n");
  for (std::size_t i = 0; i < std::size(operations); ++i) {
    fmt::print("{:34} {:9.1f} {:9.1f} {:9.0f} {:9.0f}\n", operations[i].name, empty[i].pages,
               full[i].pages, empty[i].microseconds, full[i].microseconds);
  }
  bench::remove_database(path);
}
