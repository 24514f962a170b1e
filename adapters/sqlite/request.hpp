#pragma once

#include <exception>

#include "adapters/sqlite/connection.hpp"
#include "adapters/sqlite/database.hpp"
#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/wait.hpp"

namespace sinew::sqlite {

// Those to be told after a commit, each once.
class CommitListeners {
 public:
  void add(store::CommitListener& listener);
  void add_all(const CommitListeners& others);
  void tell() noexcept;
  void clear() noexcept { listeners_.clear(); }

 private:
  std::vector<store::CommitListener*> listeners_;
};

// What one run of a body works with.
class BodyTransaction final : public store::Transaction {
 public:
  explicit BodyTransaction(Connection& connection) : connection_(connection) {}
  void after_commit(store::CommitListener& listener) override { listeners_.add(listener); }
  CommitListeners& listeners() noexcept { return listeners_; }

 private:
  bool start(store::Execution& execution) override;

  Connection& connection_;
  CommitListeners listeners_;
};

// Runs a body to its end, now. Gives what it throws; a body that suspends is dropped where it
// stands and has thrown invalid_input.
std::exception_ptr run_now(Database::Body& body, store::Transaction& transaction,
                           async::TaskContext context) noexcept;

// Runs a body on a snapshot of its own, now, and throws what it throws.
void read_once(Connection& reader, Database::Body& body, const async::TaskContext& caller);

struct RequestTag;
class Writer;

// One transaction from submission to answer. Lives in the frame of the task that awaits it, and
// leaves the writer's lists when that frame is dropped.
class Request final : public async::ListHook<RequestTag> {
 public:
  Request(Database::Body& body, const async::TaskContext& caller);
  ~Request();

  // For the caller: waits for the answer and throws what it says. The deadline and cancellation
  // hold until the transaction runs; from then on it is waited for, so that its outcome is known.
  Task<void> answered();

  // For the writer.
  void run(store::Transaction& transaction) noexcept {
    failure_ = run_now(body_, transaction, context_);
  }
  bool failed() const noexcept { return failure_ != nullptr; }
  void fail(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
  void settle() noexcept;

  bool alone = false;        // its batch failed before: it runs without others
  Writer* queued = nullptr;  // where it waits to run

 private:
  class Settled;
  [[noreturn]] void withdraw(async::WaitOutcome outcome);

  Database::Body& body_;
  async::TaskContext context_;
  std::exception_ptr failure_;
  async::Wait* waiter_ = nullptr;
  bool settled_ = false;
};

}  // namespace sinew::sqlite
