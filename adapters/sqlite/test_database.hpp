#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/test_folder.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {

// For tests: a database with one table `notes (id, text)` on a runtime of virtual time.
class TestDatabase {
 public:
  explicit TestDatabase(const std::function<void(Settings&)>& adjust = {}) {
    settings.path = folder.database();
    settings.simulate(0);
    if (adjust) adjust(settings);
    open();
    const store::Migration notes{1, "notes", "CREATE TABLE notes (id BIGINT, text TEXT UNIQUE);"};
    runtime.run(database->migrate({"test", {&notes, 1}}));
  }

  void open() { database = runtime.run(Database::open(runtime, settings)); }
  void reopen() {
    close();
    open();
  }
  void close() {
    runtime.run(database->close());
    database.reset();
  }

  // What one transaction came to: nothing when it committed.
  struct Answer {
    bool answered = false;
    std::exception_ptr failure;
    bool committed() const { return answered && !failure; }
    Error error() const {
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const Error& error) {
        return error;
      }
      throw std::logic_error("no Error");
    }
  };

  using Body = std::function<Task<void>(store::Transaction&)>;

  // Transactions of one turn, in this order; gives their answers in the same order.
  std::vector<Answer> together(std::vector<Body> bodies) {
    std::vector<Answer> answers(bodies.size());
    async::Scope scope(runtime);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      scope.spawn(one(std::move(bodies[i]), answers[i]));
    }
    runtime.run(scope.join());
    return answers;
  }
  Answer alone(Body body) { return together({std::move(body)})[0]; }

  Task<void> one(Body body, Answer& answer) {
    try {
      co_await database->transaction(std::move(body));
    } catch (...) {
      answer.failure = std::current_exception();
    }
    answer.answered = true;
  }

  // The texts of the notes, in order of their rows.
  std::vector<std::string> notes() {
    return runtime.run(
        database->read([](store::Transaction& transaction) { return read_notes(transaction); }));
  }

  static Task<std::vector<std::string>> read_notes(store::Transaction& transaction) {
    const store::Rows rows = co_await transaction.execute("SELECT text FROM notes ORDER BY rowid");
    std::vector<std::string> texts;
    for (const store::Row row : rows)
      texts.push_back(row.text(0));
    co_return texts;
  }

  static Task<void> insert(store::Transaction& transaction, std::string text) {
    co_await transaction.execute("INSERT INTO notes (id, text) VALUES (1, ?)", {text});
  }
  static Body note(std::string text) {
    return [text = std::move(text)](store::Transaction& transaction) {
      return insert(transaction, text);
    };
  }

  TestFolder folder;
  async::TestRuntime runtime;
  Settings settings;
  std::unique_ptr<Database> database;
};

}  // namespace sinew::sqlite
