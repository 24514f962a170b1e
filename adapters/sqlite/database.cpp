#include "adapters/sqlite/database.hpp"

#include <exception>
#include <utility>

#include "adapters/sqlite/event_log.hpp"
#include "adapters/sqlite/migrations.hpp"
#include "adapters/sqlite/opening.hpp"
#include "adapters/sqlite/request.hpp"
#include "adapters/sqlite/writer.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {

class Database::Core {
 public:
  Core(async::Runtime& runtime, Settings settings, std::unique_ptr<FileLock> lock,
       Connections connections)
      : runtime(runtime),
        settings(std::move(settings)),
        lock(std::move(lock)),
        writer(runtime, this->settings, *this->settings.files, std::move(connections)),
        log(runtime, this->settings.event_type_index ? EventLog::TypeIndex::kept
                                                     : EventLog::TypeIndex::none) {}

  // A statement and its snapshot at once: it takes no part in the queue and waits for nobody.
  void read(Body& body, const async::TaskContext& caller) {
    Connection* reader = writer.reader();
    if (reader == nullptr) throw writer.refusal();
    read_once(*reader, body, caller);
  }

  async::Runtime& runtime;
  Settings settings;
  std::unique_ptr<FileLock> lock;
  Writer writer;
  EventLog log;
};

Task<std::unique_ptr<Database>> Database::open(async::Runtime& runtime, Settings settings) {
  validate(settings);
  if (!settings.files) settings.files = Files::system();
  std::unique_ptr<FileLock> lock;
  Connections connections = co_await async::offload([&settings, &lock] {
    lock = settings.files->lock(settings.path + ".lock");
    if (lock->left_behind()) rewrite_wal(settings.path, *settings.files);
    return open_connections(settings, *settings.files);
  });
  auto core =
      std::make_unique<Core>(runtime, std::move(settings), std::move(lock), std::move(connections));
  std::unique_ptr<Database> database(new Database(std::move(core)));
  std::exception_ptr failure;
  try {
    co_await database->migrate(EventLog::migrations());
    co_await database->transaction([&](store::Transaction& transaction) {
      return database->core_->log.settle_index(transaction);
    });
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return database;
  co_await database->close();  // the committer may be at work on it
  std::rethrow_exception(failure);
}

Database::Database(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Database::~Database() = default;

std::vector<std::string> Database::schema_statements(std::string_view sql) const {
  return statements_of({.version = 0, .name = "tables of a view", .sql = sql});
}

store::EventLog& Database::event_log() { return core_->log; }
Health Database::health() const { return core_->writer.health(); }
store::DatabaseStatus Database::status() const {
  store::DatabaseStatus status{.trouble = {},
                               .refuses_writes = core_->writer.refuses_writes(),
                               .queued = core_->writer.statistics().queued};
  const Health now = health();
  if (now.state == Health::State::up) return status;
  status.trouble = now.reason.empty() ? "the database is closed" : now.reason;
  return status;
}
Statistics Database::statistics() const { return core_->writer.statistics(); }

Task<void> Database::migrate(store::MigrationSet set) {
  co_await apply_migrations(*this, set, core_->runtime, core_->settings.path);
}

Task<void> Database::purge_deleted() { return core_->writer.purge(); }

Task<void> Database::close() {
  co_await core_->writer.close();
  if (core_->lock && health().state != Health::State::down) core_->lock->finish();
  core_->lock.reset();
}

Task<void> Database::run(Access access, Body& body) {
  async::TaskContext& caller = co_await async::this_context();
  if (caller.in_transaction) async::throw_foreign_await();
  if (caller.runtime != &core_->runtime) {
    throw Error(Condition::invalid_input,
                "a database is used on its own worker only: reach it through call_on()");
  }
  if (access == Access::read) {
    core_->read(body, caller);
    co_return;
  }
  Request request(body, caller);
  core_->writer.submit(request);
  co_await request.answered();
}

}  // namespace sinew::sqlite
