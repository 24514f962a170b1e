// Durable appends to the event log against a plain SQLite loop with the same statements, batches
// and settings, in the same run and in turns, so that both meet the same disk. BENCH_FOLDER names
// the folder; it must lie on a real disk.

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "bench/measure.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"

namespace {

using namespace sinew;
using bench::quantile;

constexpr std::size_t event_bytes = 1000;
constexpr int rounds = 7;

struct Scenario {
  const char* name;
  int writers;
  int events;        // a transaction
  int transactions;  // a writer and round
  double target;     // of Sinew's rate to the raw loop's
};

constexpr Scenario scenarios[] = {
    {"64 writers, 1 event each", 64, 1, 50, 0.7},
    {"64 writers, 10 events each", 64, 10, 20, 0.7},
    {"1 writer, 1 event", 1, 1, 200, 1 / 1.4},
};

// What one round took.
struct Cost {
  double seconds;
  double processor;
};
template <class F>
Cost measure(F&& work) {
  const double before = bench::processor_seconds();
  const bench::Stopwatch watch;
  work();
  return {watch.seconds(), bench::processor_seconds() - before};
}

// The statements of sqlite::EventLog, said to SQLite directly.
class RawLog {
 public:
  explicit RawLog(const std::string& path) {
    check(sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                          nullptr));
    for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                               "PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY",
                               "PRAGMA cache_size = -8192", "PRAGMA wal_autocheckpoint = 4096"}) {
      check(sqlite3_exec(database_, pragma, nullptr, nullptr, nullptr));
    }
    begin_ = prepare("BEGIN IMMEDIATE");
    commit_ = prepare("COMMIT");
    find_ = prepare("SELECT number, version, last_position FROM streams WHERE id = ?");
    create_ = prepare(
        "INSERT INTO streams (id, version, last_position) VALUES (?, ?, ?) RETURNING number");
    move_ = prepare(
        "UPDATE streams SET version = ?, last_position = ? WHERE number = ? AND version = ?");
    reserve_ = prepare("UPDATE event_head SET position = position + ? RETURNING position");
    insert_ = prepare(
        "INSERT INTO events (position, stream, stream_version, previous_position, id, type, "
        "version, recorded_at, correlation, causation, traceparent, hops, data) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    mark_ = prepare("INSERT INTO stream_marks (stream, version, position) VALUES (?, ?, ?)");
  }
  ~RawLog() {
    for (sqlite3_stmt* statement : statements_)
      sqlite3_finalize(statement);
    sqlite3_close(database_);
  }
  RawLog(const RawLog&) = delete;
  RawLog& operator=(const RawLog&) = delete;

  void begin() { step(begin_); }
  void commit() { step(commit_); }

  void append(const std::string& stream, int events, const std::string& data) {
    bind_text(find_, 1, stream);
    std::int64_t number = 0;
    std::int64_t version = -1;
    std::int64_t last = 0;
    if (sqlite3_step(find_) == SQLITE_ROW) {
      number = sqlite3_column_int64(find_, 0);
      version = sqlite3_column_int64(find_, 1);
      last = sqlite3_column_int64(find_, 2);
    }
    sqlite3_reset(find_);
    std::int64_t position = ask(reserve_, {events}) - events;
    if (version < 0) {
      bind_text(create_, 1, stream);
      number = ask(create_, {events - 1, position + events}, 2);
    } else {
      run(move_, {version + events, position + events, number, version});
    }
    for (int i = 0; i < events; ++i) {
      insert(++position, number, ++version, last, data);
      last = position;
    }
  }

 private:
  void insert(std::int64_t position, std::int64_t stream, std::int64_t version, std::int64_t last,
              const std::string& data) {
    bind_text(insert_, 6, "order.placed");
    sqlite3_bind_blob(insert_, 5, id_, sizeof id_, SQLITE_STATIC);
    sqlite3_bind_int64(insert_, 7, 1);
    sqlite3_bind_int64(insert_, 8, 1'700'000'000'000'000 + position);
    sqlite3_bind_int64(insert_, 12, 0);
    sqlite3_bind_blob(insert_, 13, data.data(), static_cast<int>(data.size()), SQLITE_STATIC);
    run(insert_, {position, stream, version, last});
    if (version > 0 && version % 128 == 0) run(mark_, {stream, version, position});
  }

  static void check(int code) {
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
      fmt::print(stderr, "SQLite: {}\n", sqlite3_errstr(code));
      std::exit(1);
    }
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    statements_.push_back(statement);
    return statement;
  }
  static void bind_text(sqlite3_stmt* statement, int index, const std::string& text) {
    sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
  }
  static void bind(sqlite3_stmt* statement, std::initializer_list<std::int64_t> values, int from) {
    for (const std::int64_t value : values)
      sqlite3_bind_int64(statement, from++, value);
  }
  static void step(sqlite3_stmt* statement) {
    check(sqlite3_step(statement));
    check(sqlite3_reset(statement));
  }
  static void run(sqlite3_stmt* statement, std::initializer_list<std::int64_t> values) {
    bind(statement, values, 1);
    step(statement);
  }
  static std::int64_t ask(sqlite3_stmt* statement, std::initializer_list<std::int64_t> values,
                          int from = 1) {
    bind(statement, values, from);
    check(sqlite3_step(statement));
    const std::int64_t answer = sqlite3_column_int64(statement, 0);
    step(statement);
    return answer;
  }

  sqlite3* database_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
  sqlite3_stmt *begin_, *commit_, *find_, *create_, *move_, *reserve_, *insert_, *mark_;
  const char id_[16] = {1, 2, 3};
};

std::string stream_of(int writer) { return fmt::format("order-{}", writer); }

void raw_round(RawLog& log, const Scenario& scenario, const std::string& data) {
  for (int turn = 0; turn < scenario.transactions; ++turn) {
    log.begin();
    for (int writer = 0; writer < scenario.writers; ++writer) {
      log.append(stream_of(writer), scenario.events, data);
    }
    log.commit();
  }
}

Task<std::int64_t> append(store::Transaction& transaction, async::Runtime& runtime,
                          store::EventLog& log, std::string stream, std::int64_t version, int count,
                          SharedBytes data) {
  std::vector<store::NewEvent> events(static_cast<std::size_t>(count));
  for (store::NewEvent& event : events) {
    event.id = runtime.new_id();
    event.type = "order.placed";
    event.data = data;
  }
  const auto expected = store::ExpectedVersion::exactly(version);
  const store::Appended appended =
      co_await log.append(transaction, std::move(stream), expected, std::move(events));
  co_return appended.stream_version;
}

Task<void> write(async::Runtime& runtime, sqlite::Database& database, const Scenario& scenario,
                 int writer, std::int64_t& version, SharedBytes data) {
  for (int turn = 0; turn < scenario.transactions; ++turn) {
    version = co_await database.transaction([&](store::Transaction& transaction) {
      return append(transaction, runtime, database.event_log(), stream_of(writer), version,
                    scenario.events, data);
    });
  }
}

Task<void> sinew_round(async::Runtime& runtime, sqlite::Database& database,
                       const Scenario& scenario, std::vector<std::int64_t>& versions,
                       SharedBytes data) {
  async::Scope scope(co_await async::this_context());
  for (int writer = 0; writer < scenario.writers; ++writer) {
    scope.spawn(write(runtime, database, scenario, writer,
                      versions[static_cast<std::size_t>(writer)], data));
  }
  co_await scope.join();
}

struct Run {
  std::vector<double> seconds;
  std::vector<double> processor;
  void add(Cost cost) {
    seconds.push_back(cost.seconds);
    processor.push_back(cost.processor);
  }
};

void report(const Scenario& scenario, const Run& raw, const Run& ours) {
  const double transactions = scenario.writers * scenario.transactions;
  const double raw_rate = transactions / quantile(raw.seconds, 0.5);
  const double our_rate = transactions / quantile(ours.seconds, 0.5);
  const auto micros = [&](const Run& run) {
    return quantile(run.processor, 0.5) / transactions * 1e6;
  };
  fmt::print("{:28} {:9.0f} {:9.0f} {:6.2f} {:7.2f} {:10.1f} {:10.1f}\n", scenario.name, raw_rate,
             our_rate, our_rate / raw_rate, scenario.target, micros(raw), micros(ours));
}

void compare(async::Reactor& reactor, const std::filesystem::path& folder,
             const Scenario& scenario) {
  const SharedBytes data(std::string(event_bytes, 'x'));
  sqlite::Settings settings;
  const auto open = [&](const char* name) {
    settings.path = folder / name;
    bench::remove_database(settings.path);
    return reactor.run(sqlite::Database::open(reactor, settings));
  };
  reactor.run(open("raw.db")->close());  // makes the tables
  const auto database = open("sinew.db");
  RawLog raw_log(folder / "raw.db");
  std::vector<std::int64_t> versions(static_cast<std::size_t>(scenario.writers), -1);
  Run raw;
  Run ours;
  for (int round = 0; round < rounds + 1; ++round) {
    const Cost raw_cost = measure([&] { raw_round(raw_log, scenario, std::string(data.view())); });
    const Cost our_cost =
        measure([&] { reactor.run(sinew_round(reactor, *database, scenario, versions, data)); });
    if (round == 0) continue;  // creates the streams, fills the caches
    raw.add(raw_cost);
    ours.add(our_cost);
  }
  report(scenario, raw, ours);
  reactor.run(database->close());
}

}  // namespace

int main() {
  const std::filesystem::path folder = bench::folder();
  fmt::print("durable appends of {}-byte events; synchronous=FULL, median of {} rounds in turns\n",
             event_bytes, rounds);
  bench::print_sync(folder);
  fmt::print("{:28} {:>9} {:>9} {:>6} {:>7} {:>10} {:>10}\n", "transactions/s", "raw", "sinew",
             "ratio", "target", "raw cpu us", "our cpu us");
  async::OffloadPools pools;
  async::Reactor reactor(pools);
  for (const Scenario& scenario : scenarios)
    compare(reactor, folder, scenario);
}
