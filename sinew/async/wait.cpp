#include "sinew/async/wait.hpp"

#include <algorithm>
#include <string>

#include "sinew/async/runtime.hpp"

namespace sinew::async {

CancelSource::CancelSource(CancelSource* parent) noexcept {
  if (parent == nullptr) return;
  if (parent->cancelled()) {
    cancelled_ = true;
  } else {
    parent->attach(*this);
  }
}

void CancelSource::cancel() noexcept {
  if (cancelled_) return;
  cancelled_ = true;
  while (!hooks_.empty())
    hooks_.pop_front().on_cancel();
}

void Wait::start(std::coroutine_handle<> handle, TaskContext& context) noexcept {
  handle_ = handle;
  name_ = context.name;
  runtime_ = context.runtime;
  outcome_ = WaitOutcome::waiting;
  if (shield_ == Shield::yes) return;
  if (context.cancel != nullptr) {
    if (context.cancel->cancelled()) return finish(WaitOutcome::cancelled);
    context.cancel->attach(*this);
  }
  if (context.deadline != Instant::max()) {
    if (context.deadline <= runtime_->now()) return finish(WaitOutcome::timed_out);
    runtime_->arm(*this, context.deadline);
  }
}

void Wait::finish(WaitOutcome outcome) noexcept {
  if (outcome_ != WaitOutcome::waiting) return;
  outcome_ = outcome;
  static_cast<Timer*>(this)->unlink();
  static_cast<CancelHook*>(this)->unlink();
  static_cast<ListHook<WaitQueueTag>*>(this)->unlink();
  runtime_->schedule(*this);
}

void Wait::check(const char* what) const {
  if (outcome_ == WaitOutcome::timed_out) {
    throw Error(Condition::timeout, std::string("the deadline passed while waiting for ") + what,
                Applied::unknown);
  }
  if (outcome_ == WaitOutcome::cancelled) {
    throw Error(Condition::cancelled, std::string("cancelled while waiting for ") + what,
                Applied::unknown);
  }
}

void WaitQueue::notify_one() noexcept {
  if (waits_.empty()) return;
  Wait& wait = waits_.front();
  wait.complete();
  woken_.push_back(wait);
}

void WaitQueue::notify_all() noexcept {
  while (!waits_.empty())
    notify_one();
}

void Sleep::arm(TaskContext& context) noexcept {
  if (!waiting()) return;
  const Instant now = context.runtime->now();
  if (duration_ != Duration::zero()) until_ = now + std::min(duration_, Instant::max() - now);
  if (until_ <= now) return complete();
  context.runtime->arm(alarm_, until_);
}

}  // namespace sinew::async
