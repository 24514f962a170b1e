#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/store/database.hpp"
#include "sinew/store/event_log.hpp"

namespace sinew::store {

// A Database before another one: passes everything on. A subclass changes what it is about, faults
// or measurements say, and neither the engine nor its users know. `inner` outlives it.
class DatabaseDecorator : public Database {
 public:
  explicit DatabaseDecorator(Database& inner) : inner_(inner) {}

  Task<void> migrate(MigrationSet set) override { return inner_.migrate(set); }
  std::vector<std::string> schema_statements(std::string_view sql) const override {
    return inner_.schema_statements(sql);
  }
  EventLog& event_log() override { return inner_.event_log(); }
  Task<void> purge_deleted() override { return inner_.purge_deleted(); }
  DatabaseStatus status() const override { return inner_.status(); }
  Task<void> close() override { return inner_.close(); }

 protected:
  Task<void> run(Access access, Body& body) override { return run_inner(access, body); }
  Task<void> run_inner(Access access, Body& body) { return inner_.run(access, body); }
  Database& inner() noexcept { return inner_; }

 private:
  Database& inner_;
};

// The same for one transaction: made by a decorator's body around the transaction it is given.
class TransactionDecorator : public Transaction {
 public:
  explicit TransactionDecorator(Transaction& inner) : inner_(inner) {}

  void after_commit(CommitListener& listener) override { inner_.after_commit(listener); }

 protected:
  ~TransactionDecorator() = default;

  bool start_inner(Execution& execution) { return inner_.start(execution); }

 private:
  bool start(Execution& execution) override { return start_inner(execution); }

  Transaction& inner_;
};

}  // namespace sinew::store
