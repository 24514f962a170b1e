#include "adapters/sqlite/read_only.hpp"

#include <utility>

#include "adapters/sqlite/event_log.hpp"
#include "adapters/sqlite/opening.hpp"
#include "adapters/sqlite/request.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {
namespace {

[[noreturn]] void refuse_write() {
  throw Error(Condition::unsupported, "this database was opened to be read only");
}

class ReadOnlyDatabase final : public store::Database {
 public:
  ReadOnlyDatabase(async::Runtime& runtime, std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)), log_(runtime) {}

  Task<void> migrate(store::MigrationSet) override {
    refuse_write();
    co_return;
  }
  Task<void> purge_deleted() override {
    refuse_write();
    co_return;
  }
  std::vector<std::string> schema_statements(std::string_view) const override { refuse_write(); }
  store::EventLog& event_log() override { return log_; }
  Task<void> close() override {
    connection_.reset();
    co_return;
  }

 private:
  Task<void> run(Access access, Body& body) override {
    if (access == Access::write) refuse_write();
    if (!connection_) throw Error(Condition::unavailable, "the database is closed");
    async::TaskContext& caller = co_await async::this_context();
    if (caller.in_transaction) async::throw_foreign_await();
    read_once(*connection_, body, caller);
  }

  std::unique_ptr<Connection> connection_;
  EventLog log_;
};

}  // namespace

Task<std::unique_ptr<store::Database>> open_read_only(async::Runtime& runtime, Settings settings) {
  if (!settings.files) settings.files = Files::system();
  settings.create = false;
  auto connection =
      co_await async::offload([&settings] { return open_reader(settings, *settings.files); });
  co_return std::make_unique<ReadOnlyDatabase>(runtime, std::move(connection));
}

}  // namespace sinew::sqlite
