#include "sinew/async/portal.hpp"

#include <algorithm>
#include <exception>

#include "sinew/async/patience.hpp"
#include "sinew/base/error.hpp"

namespace sinew::async {

Portal::Portal(Runtime& runtime, std::string name, std::size_t capacity)
    : runtime_(runtime), name_(std::move(name)), capacity_(std::max<std::size_t>(capacity, 1)) {}

Portal::~Portal() { abandon(); }

void Portal::enter(std::unique_ptr<Call> call) {
  const std::lock_guard lock(mutex_);
  require_room();
  waiting_.push_back(*call.release());
  ++calls_;
  if (!std::exchange(woken_, true)) runtime_.complete(wake_);
}

void Portal::require_room() const {
  if (state_ == State::closed) throw ended(Applied::no);
  if (state_ == State::not_open) {
    throw Error(Condition::unavailable, name_ + " has not started");
  }
  if (calls_ >= capacity_) {
    throw Error(Condition::exhausted, name_ + " has " + std::to_string(capacity_) +
                                          " calls of other threads under way; try again later");
  }
}

void Portal::open() {
  scope_.emplace(runtime_, "portal");
  const std::lock_guard lock(mutex_);
  state_ = State::open;
}

// On the worker, for all that came since the last time.
void Portal::take_in() noexcept {
  IntrusiveList<Call, CallTag> arrived;
  bool open = false;
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    arrived.splice_back(waiting_);
    open = state_ == State::open;
  }
  taken_in_.set();
  while (!arrived.empty()) {
    Call& call = arrived.pop_front();
    under_way_.push_back(call);
    if (!call.begin()) {
      end(call, Error(Condition::timeout, "its caller gave up before it had begun"));
    } else if (!open) {
      end(call, ended(Applied::no));
    } else {
      scope_->spawn(perform(call), "portal");
    }
  }
}

Task<void> Portal::perform(Call& call) {
  co_await call.work();
  end(call);
}

// Its place is free before its caller hears of it.
void Portal::end(Call& call) noexcept {
  const std::unique_ptr<Call> ended(&call);
  call.unlink();
  {
    const std::lock_guard lock(mutex_);
    --calls_;
  }
  call.settle();
}

void Portal::end(Call& call, const Error& failure) noexcept {
  call.fail(std::make_exception_ptr(failure));
  end(call);
}

Error Portal::ended(Applied applied) const {
  return {Condition::unavailable, name_ + " drains, or has ended", applied};
}

void Portal::close() noexcept {
  const std::lock_guard lock(mutex_);
  state_ = State::closed;
}

bool Portal::woken() const noexcept {
  const std::lock_guard lock(mutex_);
  return woken_;
}

Task<bool> Portal::drain(Duration patience) {
  close();
  if (!scope_) co_return true;
  taken_in_.reset();
  if (woken()) co_await taken_in_.wait();
  const bool in_time = co_await finish_within(*scope_, patience);
  scope_.reset();
  co_return in_time;
}

void Portal::abandon() noexcept {
  close();
  scope_.reset();
  while (!under_way_.empty())
    end(under_way_.front(), ended(Applied::unknown));
  IntrusiveList<Call, CallTag> left;
  {
    const std::lock_guard lock(mutex_);
    left.splice_back(waiting_);
  }
  while (!left.empty())
    end(left.front(), ended(Applied::no));
}

}  // namespace sinew::async
