#include "adapters/sqlite/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "adapters/sqlite/event_log.hpp"
#include "adapters/sqlite/migrations.hpp"
#include "adapters/sqlite/read_only.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::sqlite {
namespace {

using store::Checkpoint;
using store::Row;
using store::Rows;
using store::Transaction;
using Visit = std::function<void(const RecordedMessage&)>;

constexpr std::string_view broker = "broker";
// Of records at once; each has up to a megabyte.
constexpr std::int64_t page = 64;

std::vector<std::string> names_of_databases(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (std::filesystem::exists(entry->path() / (name + ".db"), error)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Task<bool> has_events(Transaction& tx) {
  return has_component(tx, std::string(EventLog::migrations().component));
}

Task<void> read_log(store::Database& database, const std::string& context, const Visit& visit) {
  Checkpoint after;
  std::vector<store::RecordedEvent> events;
  std::int64_t number = 0;
  do {
    events = co_await database.read([&](Transaction& tx) {
      return database.event_log().read_all(tx, after, store::EventLog::max_read);
    });
    for (const store::RecordedEvent& event : events) {
      after = event.position;
      visit({.place =
                 fmt::format("{}, event {} of the log, stream {}", context, ++number, event.stream),
             .type = event.type,
             .version = event.version,
             .content_type = "application/json",
             .data = event.data});
    }
  } while (!events.empty());
}

Task<void> read_topics(store::Database& database, const Visit& visit) {
  std::int64_t after = 0;
  for (;;) {
    const Rows rows = co_await database.read([after](Transaction& tx) -> Task<Rows> {
      co_return co_await tx.execute(
          "SELECT id, body FROM topic_records WHERE id > ? ORDER BY id LIMIT ?", {after, page});
    });
    for (const Row row : rows) {
      after = row.integer(0);
      const event::Envelope envelope = event::decode(row.blob(1));
      visit(
          {.place = fmt::format("topic of {}, message {}", envelope.source, to_string(envelope.id)),
           .type = envelope.type,
           .version = envelope.version,
           .content_type = envelope.content_type,
           .data = envelope.data});
    }
    if (rows.size() < page) co_return;
  }
}

// Gives whether it was a database with something recorded.
Task<bool> read_database(store::Database& database, const std::string& name, const Visit& visit) {
  if (name == broker) {
    co_await read_topics(database, visit);
    co_return false;
  }
  if (!co_await database.read(has_events)) co_return false;
  co_await read_log(database, name, visit);
  co_return true;
}

}  // namespace

Task<void> read_history(async::Runtime& runtime, std::filesystem::path folder, Visit visit) {
  bool found = false;
  for (const std::string& name : names_of_databases(folder)) {
    Settings settings;
    settings.path = (folder / name / (name + ".db")).string();
    std::unique_ptr<store::Database> database;
    try {
      database = co_await open_read_only(runtime, std::move(settings));
    } catch (const Error& error) {
      if (error.condition() == Condition::conflict) continue;  // another program's
      throw;
    }
    std::exception_ptr failure;
    try {
      found = co_await read_database(*database, name, visit) || found;
    } catch (...) {
      failure = std::current_exception();
    }
    co_await database->close();
    if (failure) std::rethrow_exception(failure);
  }
  if (found) co_return;
  throw Error(Condition::not_found, fmt::format("{} holds no context's database", folder.string()));
}

}  // namespace sinew::sqlite
