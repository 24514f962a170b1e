#pragma once

#include <exception>
#include <initializer_list>
#include <span>

#include "sinew/async/wait.hpp"
#include "sinew/store/value.hpp"

namespace sinew::store {

class Transaction;

// One statement under way: co_await it for its rows. An embedded engine answers without suspending.
// Errors: conflict (a constraint), exhausted (disk full), unavailable, corrupt, unsupported.
class [[nodiscard]] Execution {
 public:
  using transaction_safe = void;

  Execution(Transaction& transaction, Statement statement, std::span<const Parameter> parameters)
      : transaction_(transaction), statement_(statement), parameters_(parameters) {}

  bool await_ready();
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    wait_.suspend(handle);
  }
  Rows await_resume();

  // For engines: what to do, and where the answer goes. fail() and succeed() are called once, on
  // the worker; complete() follows when start() had returned false.
  const Statement& statement() const noexcept { return statement_; }
  std::span<const Parameter> parameters() const noexcept { return parameters_; }
  // For decorators, before the engine sees it; the text lives until the answer.
  void restate(Statement statement) noexcept { statement_ = statement; }
  void succeed(Rows rows) noexcept { rows_ = std::move(rows); }
  void fail(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
  void complete() noexcept { wait_.complete(); }

 private:
  Transaction& transaction_;
  Statement statement_;
  std::span<const Parameter> parameters_;
  Rows rows_;
  std::exception_ptr failure_;
  async::Wait wait_{async::Wait::Shield::yes};
};

// Told once, on the database's worker, after a transaction that named it is durable.
class CommitListener {
 public:
  virtual void committed() noexcept = 0;

 protected:
  ~CommitListener() = default;
};

// What a transaction's body works with. Its body may run more than once (a batch rolled back by a
// full disk, a serialisation failure), so it keeps no state outside; it may await nothing but its
// transaction. One body at a time uses one Transaction.
class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // co_await tx.execute("SELECT ... WHERE id = ?", {id}); the parameters live until it returns.
  Execution execute(Statement statement, std::initializer_list<Parameter> parameters = {}) {
    return {*this, statement, std::span(parameters.begin(), parameters.size())};
  }
  Execution execute(Statement statement, std::span<const Parameter> parameters) {
    return {*this, statement, parameters};
  }

  // Has `listener` told after the commit of this attempt, once however often it is named.
  virtual void after_commit(CommitListener& listener) = 0;

 protected:
  ~Transaction() = default;

 private:
  friend class Execution;
  friend class TransactionDecorator;
  // Starts the statement. True: it is done, its answer is in `execution`. False: it will complete.
  virtual bool start(Execution& execution) = 0;
};

inline bool Execution::await_ready() { return transaction_.start(*this); }
inline Rows Execution::await_resume() {
  if (failure_) std::rethrow_exception(failure_);
  return std::move(rows_);
}

}  // namespace sinew::store
