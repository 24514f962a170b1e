#include "sinew/async/foreign_loop.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "sinew/async/socket_error.hpp"

namespace sinew::async {

ForeignLoop::ForeignLoop(std::size_t capacity)
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      capacity_(std::max<std::size_t>(capacity, 1)) {
  if (!event_) throw socket_error("cannot make the descriptor of a loop", errno);
}

bool ForeignLoop::post(Callback callback) {
  const std::lock_guard lock(mutex_);
  if (posted_.size() >= capacity_) return false;
  push(std::move(callback));
  return true;
}

void ForeignLoop::deliver(Callback callback) {
  const std::lock_guard lock(mutex_);
  push(std::move(callback));
}

// The eventfd holds 1 exactly while callbacks wait.
void ForeignLoop::push(Callback callback) {
  posted_.push_back(std::move(callback));
  if (posted_.size() > 1) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

bool ForeignLoop::take(Callback& callback) {
  const std::lock_guard lock(mutex_);
  if (posted_.empty()) return false;
  callback = std::move(posted_.front());
  posted_.pop_front();
  if (posted_.empty()) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(event_.get(), &count, sizeof count);
  }
  return true;
}

std::size_t ForeignLoop::run_posted() {
  std::size_t until_now = 0;
  {
    const std::lock_guard lock(mutex_);
    until_now = posted_.size();
  }
  std::size_t count = 0;
  for (Callback callback; count < until_now && take(callback); ++count)
    callback();
  return count;
}

bool ForeignLoop::wait(Duration timeout) const {
  constexpr Duration longest = std::chrono::hours(24);  // of an int of milliseconds
  pollfd watched{.fd = event_.get(), .events = POLLIN, .revents = 0};
  const auto capped = std::clamp(timeout, Duration::zero(), longest);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(capped).count();
  return ::poll(&watched, 1, static_cast<int>(milliseconds)) > 0;
}

void Errand::execute() noexcept {
  Phase expected = Phase::waiting;
  if (!phase_.compare_exchange_strong(expected, Phase::running)) return;
  perform();
  const std::lock_guard home_lives(completing_);
  home_.complete(*this);
}

bool Errand::withdraw() noexcept {
  Phase expected = Phase::waiting;
  return phase_.compare_exchange_strong(expected, Phase::withdrawn) || expected == Phase::withdrawn;
}

void Errand::run() noexcept {
  over_ = true;
  if (waiter_ != nullptr) waiter_->complete();
}

namespace {

// Suspends until the errand completes it.
class Arrival : public Wait {
 public:
  Arrival(Wait*& place, bool over, Shield shield) noexcept
      : Wait(shield), place_(place), over_(over) {}
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  ~Arrival() { place_ = nullptr; }
  bool await_ready() const noexcept { return over_; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    place_ = this;
  }
  WaitOutcome await_resume() const noexcept { return over_ ? WaitOutcome::done : outcome(); }

 private:
  Wait*& place_;
  bool over_;
};

// A frame that is dropped while it waits takes its errand back.
struct Withdrawn {
  Errand& errand;
  ~Withdrawn() { errand.withdraw(); }
};

}  // namespace

Task<void> Errand::over() {
  const Withdrawn at_the_end{*this};
  const WaitOutcome outcome = co_await Arrival(waiter_, over_, Wait::Shield::no);
  if (outcome != WaitOutcome::done && withdraw()) {
    throw Error(outcome == WaitOutcome::timed_out ? Condition::timeout : Condition::cancelled,
                "the loop had not begun with it, and will not now");
  }
  co_await Arrival(waiter_, over_, Wait::Shield::yes);
  const std::lock_guard loop_is_done_with_home(completing_);
}

}  // namespace sinew::async
