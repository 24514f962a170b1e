#include "sinew/store/sim/interleaving_database.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"

namespace sinew::store::sim {
namespace {

// A statement and its answer, as owned values: it is run again after its parameters are gone.
class Recorded {
 public:
  explicit Recorded(const Execution& execution)
      : text_(execution.statement().text()), statement_(execution.statement()) {
    for (const Parameter& parameter : execution.parameters())
      values_.push_back(owned(parameter));
  }

  Execution run(Transaction& transaction, std::vector<Parameter>& parameters) const {
    parameters.assign(values_.begin(), values_.end());
    return transaction.execute(statement_.cached() ? statement_ : Statement::dynamic(text_),
                               parameters);
  }

  struct Answer {
    Rows rows;
    std::exception_ptr failure;

    bool same_as(const Answer& other) const {
      return (failure == nullptr) == (other.failure == nullptr) && rows == other.rows;
    }
  };
  std::optional<Answer> answer;

 private:
  static Value owned(const Parameter& parameter) {
    const Parameter::Variant& value = parameter.value();
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
    if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
    if (const auto* bytes = std::get_if<Parameter::Bytes>(&value)) {
      return Blob{{reinterpret_cast<const char*>(bytes->data()), bytes->size()}};
    }
    return {};
  }

  std::string text_;
  Statement statement_;
  std::vector<Value> values_;
};

Error lost_answer() {
  return {Condition::unavailable, "the database's answer to the commit was lost", Applied::unknown};
}

struct Undo {};  // thrown to roll a probe back

enum class Keep : bool { no, yes };

}  // namespace

// One run of a body: the transaction it works with, and what came of it.
class InterleavingDatabase::Attempt final : public Transaction {
 public:
  Attempt(InterleavingDatabase& database, Access kind, async::TaskContext& context)
      : access(kind), scope(context), database_(database) {}

  void after_commit(CommitListener& listener) override {
    if (std::ranges::find(listeners, &listener) == listeners.end()) listeners.push_back(&listener);
  }

  Access access;
  std::vector<std::unique_ptr<Recorded>> statements;
  std::vector<CommitListener*> listeners;
  bool overtaken = false;       // for good: someone else changed what the body had read
  std::exception_ptr failure;   // what the body threw
  std::exception_ptr breakage;  // what the engine threw, whether the body passed it on or not
  async::Scope scope;           // of the statement under way; last, so that it ends first

 private:
  bool start(Execution& execution) override {
    scope.spawn(database_.answer(*this, execution), "statement");
    return false;
  }

  InterleavingDatabase& database_;
};

// Runs the statements of an attempt in one transaction of the engine.
class InterleavingDatabase::Replay final : public Body {
 public:
  Replay(Attempt& attempt, Keep keep) : attempt_(attempt), keep_(keep) {}

  Task<void> run(Transaction& transaction) override {
    std::vector<Parameter> parameters;
    for (const std::unique_ptr<Recorded>& recorded : attempt_.statements) {
      Recorded::Answer answer;
      try {
        answer.rows = co_await recorded->run(transaction, parameters);
      } catch (...) {
        answer.failure = std::current_exception();
      }
      if (!recorded->answer || recorded.get() == fresh_) {
        fresh_ = recorded.get();
        recorded->answer = std::move(answer);
      } else if (!recorded->answer->same_as(answer)) {
        attempt_.overtaken = true;
        throw Undo();
      }
    }
    if (keep_ == Keep::no) throw Undo();
    for (CommitListener* listener : attempt_.listeners)
      transaction.after_commit(*listener);
  }

 private:
  Attempt& attempt_;
  Keep keep_;
  const Recorded* fresh_ = nullptr;  // answered by this replay, which the engine may run again
};

// While it lives no other transaction commits.
class InterleavingDatabase::Privilege {
 public:
  explicit Privilege(InterleavingDatabase& database) : database_(database) {}
  Privilege(const Privilege&) = delete;
  Privilege& operator=(const Privilege&) = delete;
  ~Privilege() {
    if (!held()) return;
    database_.privileged_ = nullptr;
    database_.waiting_.notify_all();
  }

  bool held() const { return database_.privileged_ == this; }
  Task<void> available() {
    while (database_.privileged_ != nullptr && !held())
      co_await database_.waiting_.wait();
  }
  Task<void> take() {
    co_await available();
    database_.privileged_ = this;
  }

 private:
  InterleavingDatabase& database_;
};

Task<void> InterleavingDatabase::pause() {
  co_await async::Sleep(world_.random().within(options_.pause));
}

// As with an engine of its own, deadline and cancellation hold until the transaction begins; from
// then on its outcome is waited for.
Task<void> InterleavingDatabase::run(Access access, Body& body) {
  async::TaskContext context = co_await async::this_context();
  if (context.in_transaction) async::throw_foreign_await();
  co_await async::yield();
  context.cancel = nullptr;
  context.deadline = Instant::max();
  Task<void> task = run_shielded(access, body);
  co_await task.under(context);
}

Task<void> InterleavingDatabase::run_shielded(Access access, Body& body) {
  async::TaskContext& context = co_await async::this_context();
  Privilege privilege(*this);
  ++transactions_;
  for (std::uint32_t run = 1; run <= most_runs; ++run) {
    if (run > options_.optimistic_runs && !privilege.held()) co_await privilege.take();
    Attempt attempt(*this, access, context);
    co_await run_once(body, attempt);
    if (attempt.overtaken) continue;
    if (attempt.breakage) std::rethrow_exception(attempt.breakage);
    if (attempt.failure) std::rethrow_exception(attempt.failure);
    if (!privilege.held() && world_.maybe(options_.rerun, "store.rerun")) continue;
    co_await privilege.available();
    if (co_await finish(access, attempt)) co_return;
  }
  throw Error(Condition::conflict,
              "the transaction was overtaken by others each time it ran: try again later");
}

Task<void> InterleavingDatabase::run_once(Body& body, Attempt& attempt) {
  ++runs_;
  async::TaskContext context = co_await async::this_context();
  context.in_transaction = true;
  try {
    Task<void> task = body.run(attempt);
    co_await task.under(context);
  } catch (...) {
    attempt.failure = std::current_exception();
  }
  co_await attempt.scope.join();
}

// Gives the answer to one statement: of the engine, in the state that it has now.
Task<void> InterleavingDatabase::answer(Attempt& attempt, Execution& execution) {
  attempt.statements.push_back(std::make_unique<Recorded>(execution));
  const Recorded& recorded = *attempt.statements.back();
  co_await pause();
  Replay replay(attempt, Keep::no);
  try {
    co_await run_inner(attempt.access, replay);
  } catch (const Undo&) {
    // As intended.
  } catch (...) {
    attempt.breakage = std::current_exception();
  }
  if (attempt.breakage) {
    execution.fail(attempt.breakage);
  } else if (attempt.overtaken) {
    execution.fail(std::make_exception_ptr(
        Error(Condition::conflict, "another transaction changed what this one has read")));
  } else if (recorded.answer->failure) {
    execution.fail(recorded.answer->failure);
  } else {
    execution.succeed(recorded.answer->rows);
  }
  execution.complete();
}

// Commits. False: overtaken.
Task<bool> InterleavingDatabase::finish(Access access, Attempt& attempt) {
  if (access == Access::read) co_return true;
  if (world_.maybe(options_.unknown_dropped, "store.unknown_dropped")) throw lost_answer();
  Replay replay(attempt, Keep::yes);
  try {
    co_await run_inner(access, replay);
  } catch (const Undo&) {
    co_return false;
  }
  if (world_.maybe(options_.unknown_applied, "store.unknown_applied")) throw lost_answer();
  co_return true;
}

}  // namespace sinew::store::sim
