#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "adapters/sqlite/files.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/event_log.hpp"

namespace sinew::metrics {
class Histogram;
}

namespace sinew::sqlite {

// Limits are measured (ADR "SQLite with group commit"); a batch of 128 costs about one sync.
struct Settings {
  std::string path;              // of the database file; its folder exists
  std::string vfs;               // a registered SQLite VFS; empty: the system's
  std::shared_ptr<Files> files;  // beside the VFS; null: the system's
  bool create = true;            // false: a missing file is not_found

  std::size_t batch_limit = 128;  // transactions a commit, from 1
  // How long bodies run in one turn of the worker. Zero: no limit.
  Duration batch_time = std::chrono::milliseconds(2);
  // While the last 32 commits took no longer than this, one that is alone is done by the worker
  // itself when it has nothing else to do, instead of by the committer. Zero: never; max(): always.
  Duration quick_commit = std::chrono::microseconds(500);
  std::size_t queue_limit = 4096;  // transactions that wait; those beyond fail with exhausted
  // How long a lock of another program (somebody's shell) is waited for.
  Duration busy_limit = std::chrono::seconds(5);

  std::uint64_t cache_bytes = 8 * 1024 * 1024;         // pages in memory, a connection
  std::uint64_t wal_passive_bytes = 16 * 1024 * 1024;  // from here checkpoints run between batches
  std::uint64_t wal_soft_bytes = 64 * 1024 * 1024;     // from here they wait for readers
  std::uint64_t wal_hard_bytes = 256 * 1024 * 1024;    // from here transactions fail with exhausted
  std::uint64_t check_bytes = 16 * 1024 * 1024;  // a file up to this size is checked when opened

  // Keep an index of the event log by type: reads of one type look at its events only. Made, or
  // dropped, when the database is opened, which takes a while with many events.
  bool event_type_index = false;

  // Seconds of each COMMIT, sync included; written by the committer. Outlives the database.
  metrics::Histogram* commit_seconds = nullptr;

  // For simulation: real time decides nothing, and of two seeds in a row one has lone transactions
  // committed by the worker itself.
  void simulate(std::uint64_t seed) noexcept {
    batch_time = Duration::zero();
    quick_commit = seed % 2 == 0 ? Duration::zero() : Duration::max();
  }
};

// Throws Error invalid_input that names every setting out of its range, and the range.
void validate(const Settings& settings);

struct Health {
  enum class State : std::uint8_t {
    up,
    recovering,  // after a failed sync the files are written anew and opened again
    down,        // that failed: nothing works until the process is started again
    closed
  };
  State state = State::up;
  std::string reason;  // of recovering and down
};

struct Statistics {
  std::uint64_t transactions = 0;  // answered as committed
  std::uint64_t commits = 0;
  std::uint64_t reruns = 0;  // bodies run again because their batch failed
  std::uint64_t checkpoints = 0;
  std::uint64_t recoveries = 0;
  std::uint64_t queued = 0;     // now
  std::uint64_t wal_pages = 0;  // now; 0 when all are copied into the database
};

// A context's database in one SQLite file, with group commit: the transactions of one turn of the
// worker run one after the other as savepoints of a single transaction, and one COMMIT, on a thread
// of its own, with one sync, makes all of them durable. While it runs the worker serves everything
// else, further transactions queue, and read() works on the last committed state. A worker that is
// idle but for one transaction commits it itself while the disk is quick (Settings::quick_commit).
//
// A body runs to its end within the turn: one that suspends fails with invalid_input. One that
// throws is undone alone. Bodies of a batch see each other's changes, so their results and their
// exceptions alike are given out after the commit.
//
// Lives on one worker. close() before it is destroyed, unless its runtime is already gone.
class Database final : public store::Database {
 public:
  using store::Database::Body;

  // Opens, or creates, and takes the folder's lock. Errors: invalid_input (a
  // setting), conflict (another process has it open;
  // the file belongs to another program), unsupported (a newer program wrote it, or the file system
  // cannot share memory), corrupt (truncated, damaged), not_found, unauthorized, exhausted.
  static Task<std::unique_ptr<Database>> open(async::Runtime& runtime, Settings settings);
  ~Database() override;

  Task<void> migrate(store::MigrationSet set) override;
  std::vector<std::string> schema_statements(std::string_view sql) const override;
  store::EventLog& event_log() override;
  Task<void> purge_deleted() override;
  store::DatabaseStatus status() const override;
  Task<void> close() override;

  Health health() const;
  Statistics statistics() const;

 private:
  class Core;
  explicit Database(std::unique_ptr<Core> core);
  Task<void> run(Access access, Body& body) override;

  std::unique_ptr<Core> core_;
};

}  // namespace sinew::sqlite
