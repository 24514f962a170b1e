#include "sinew/store/personal_database.hpp"

#include <exception>

#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::store {
namespace {

constexpr std::int64_t keys_a_transaction = 500;

}  // namespace

Task<bool> purge_erased(Database& database, Timestamp now) {
  const auto through = co_await database.read([](Transaction& tx) { return last_unpurged(tx); });
  if (through == 0) co_return true;
  try {
    SINEW_CRASH_POINT("personal.before_purge");
    co_await database.purge_deleted();
    SINEW_CRASH_POINT("personal.after_purge");
    co_await database.transaction([&](Transaction& tx) { return mark_purged(tx, through, now); });
    co_return true;
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled) throw;
    log::warn("erased keys may still lie in the database's files; the next start tries again",
              {{"error", error.detail()}});
  }
  co_return false;
}

Task<std::unique_ptr<PersonalDatabase>> PersonalDatabase::open(std::unique_ptr<Database> inner,
                                                               async::Runtime& runtime,
                                                               PersonalEvents events,
                                                               MasterKeys masters) {
  std::unique_ptr<PersonalDatabase> database(
      new PersonalDatabase(std::move(inner), runtime, std::move(events), std::move(masters)));
  std::exception_ptr failure;
  try {
    co_await database->prepare(runtime);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return database;
  co_await database->close();
  std::rethrow_exception(failure);
}

Task<void> PersonalDatabase::prepare(async::Runtime& runtime) {
  co_await migrate(personal_migrations());
  std::int64_t wrapped = 0;
  do {
    wrapped = co_await transaction(
        [this](Transaction& transaction) { return keys_.rewrap(transaction, keys_a_transaction); });
  } while (wrapped == keys_a_transaction);
  co_await purge_erased(*this, runtime.wall_now());
}

}  // namespace sinew::store
