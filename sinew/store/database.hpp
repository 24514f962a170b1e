#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

class EventLog;

// How a database stands, for whoever watches it.
struct DatabaseStatus {
  std::string trouble;         // why it does not work now; empty while it does
  std::string refuses_writes;  // why the last transaction found no room; empty after one that did
  std::size_t queued = 0;      // transactions that wait for their turn
};

// The port to one context's own database. Lives on that context's worker; owned by its host.
//
// transaction(body): runs body in a transaction and returns its result once the commit is durable.
// Nothing may leave the context (an answer, a message, a settlement) before that. What body throws
// rolls it back and comes out. Errors of the commit: exhausted (disk full; nothing applied),
// unavailable with applied unknown (a failed sync: it may or may not have happened; derived keys
// and the inbox make a repetition safe), conflict (the engine gave up retrying).
//
// read(body): the same on a read-only snapshot; never waits for a writer.
class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  template <class Body>
  auto transaction(Body body) {
    return run_as<Body>(Access::write, std::move(body));
  }
  template <class Body>
  auto read(Body body) {
    return run_as<Body>(Access::read, std::move(body));
  }

  // Applies what is missing of `set`, in order, each in its own transaction. Errors: conflict when
  // an applied migration has another checksum or name, unsupported when the database knows a
  // version that `set` does not (it was written by a newer program).
  virtual Task<void> migrate(MigrationSet set) = 0;

  // `sql`, statements that each end in `;` and make tables as a migration does, one by one and with
  // the types of this engine: for transactions that make tables themselves. What belongs to a
  // schema's history goes through migrate(). Errors: invalid_input (a statement without `;`).
  virtual std::vector<std::string> schema_statements(std::string_view sql) const = 0;

  // The event log native to this engine.
  virtual EventLog& event_log() = 0;

  // Returns once what committed transactions have deleted or replaced is in no file of the engine
  // any more, as far as the engine and not a disk or a backup decides it: neither in free space nor
  // in logs. Costs a checkpoint. Errors: unavailable (somebody's read holds the log: call again),
  // timeout, cancelled, unsupported (this engine cannot).
  virtual Task<void> purge_deleted() = 0;

  virtual DatabaseStatus status() const { return {}; }

  // Waits for what is under way, then closes. Later calls fail with unavailable.
  virtual Task<void> close() = 0;

 protected:
  enum class Access : bool { read, write };

  // One transaction's body without its type; run() may be called several times.
  class Body {
   public:
    virtual Task<void> run(Transaction& transaction) = 0;

   protected:
    ~Body() = default;
  };

  friend class DatabaseDecorator;
  virtual Task<void> run(Access access, Body& body) = 0;

 private:
  template <class F, class Result>
  class TypedBody final : public Body {
   public:
    explicit TypedBody(F& function) : function_(function) {}
    Task<void> run(Transaction& transaction) override {
      result_.reset();
      result_.emplace(co_await function_(transaction));
    }
    Result take() { return std::move(*result_); }

   private:
    F& function_;
    std::optional<Result> result_;
  };
  template <class F>
  class TypedBody<F, void> final : public Body {
   public:
    explicit TypedBody(F& function) : function_(function) {}
    Task<void> run(Transaction& transaction) override { co_await function_(transaction); }
    void take() const noexcept {}

   private:
    F& function_;
  };

  template <class F, class Result = typename std::invoke_result_t<F&, Transaction&>::value_type>
  Task<Result> run_as(Access access, F function) {
    TypedBody<F, Result> body(function);
    co_await run(access, body);
    co_return body.take();
  }
};

}  // namespace sinew::store
