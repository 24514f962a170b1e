#include "adapters/sqlite/request.hpp"

#include <algorithm>
#include <coroutine>
#include <utility>

#include "adapters/sqlite/writer.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {

void CommitListeners::add(store::CommitListener& listener) {
  if (std::ranges::find(listeners_, &listener) == listeners_.end()) {
    listeners_.push_back(&listener);
  }
}

void CommitListeners::add_all(const CommitListeners& others) {
  for (store::CommitListener* listener : others.listeners_)
    add(*listener);
}

void CommitListeners::tell() noexcept {
  for (store::CommitListener* listener : std::exchange(listeners_, {}))
    listener->committed();
}

bool BodyTransaction::start(store::Execution& execution) {
  try {
    execution.succeed(connection_.run(execution.statement(), execution.parameters()));
  } catch (...) {
    execution.fail(std::current_exception());
  }
  return true;
}

std::exception_ptr run_now(Database::Body& body, store::Transaction& transaction,
                           async::TaskContext context) noexcept {
  context.in_transaction = true;
  try {
    Task<void> task = body.run(transaction);
    task.handle().promise().attach(context, std::noop_coroutine());
    async::announce(context);  // it runs at the end of a turn, which is not to blame
    task.handle().resume();
    if (!task.done()) async::throw_foreign_await();
    task.handle().promise().take();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

void read_once(Connection& reader, Database::Body& body, const async::TaskContext& caller) {
  if (const int code = reader.perform(Verb::begin_read); code != 0) throw reader.failure(code);
  BodyTransaction transaction(reader);
  const std::exception_ptr failure = run_now(body, transaction, caller);
  if (reader.in_transaction()) reader.perform(Verb::rollback);
  if (failure) std::rethrow_exception(failure);
  transaction.listeners().tell();
}

Request::Request(Database::Body& body, const async::TaskContext& caller)
    : body_(body), context_(caller) {}

Request::~Request() {
  if (queued != nullptr) queued->withdraw(*this);
}

// Two of them, one after the other: Wait is shielded or not for good.
class Request::Settled final : public async::Wait {
 public:
  Settled(Request& request, Shield shield) noexcept : Wait(shield), request_(request) {}
  Settled(const Settled&) = delete;
  Settled& operator=(const Settled&) = delete;
  ~Settled() { request_.waiter_ = nullptr; }

  bool await_ready() const noexcept { return request_.settled_; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    request_.waiter_ = this;
    suspend(handle);
  }
  async::WaitOutcome await_resume() const noexcept { return outcome(); }

 private:
  Request& request_;
};

void Request::settle() noexcept {
  settled_ = true;
  if (waiter_ != nullptr) waiter_->complete();
}

Task<void> Request::answered() {
  const async::WaitOutcome outcome = co_await Settled(*this, async::Wait::Shield::no);
  if (!settled_) {
    if (queued != nullptr) withdraw(outcome);
    co_await Settled(*this, async::Wait::Shield::yes);
  }
  if (failure_) std::rethrow_exception(failure_);
}

void Request::withdraw(async::WaitOutcome outcome) {
  queued->withdraw(*this);
  if (outcome == async::WaitOutcome::cancelled) {
    throw Error(Condition::cancelled, "cancelled before the transaction began");
  }
  throw Error(Condition::timeout, "the deadline passed before the transaction began");
}

}  // namespace sinew::sqlite
