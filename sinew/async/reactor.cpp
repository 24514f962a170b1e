#include "sinew/async/reactor.hpp"

#include <algorithm>

#include "sinew/async/clock.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/socket_listener.hpp"
#include "sinew/async/socket_stream.hpp"
#include "sinew/async/worker_thread.hpp"

namespace sinew::async {

Reactor::Reactor(OffloadPools& pools)
    : pools_(pools), watches_(poller_), now_(monotonic_now()), timers_(now_) {}

Reactor::~Reactor() { pools_.drain(*this); }

void Reactor::run_until(const std::function<bool()>& condition) {
  while (!condition())
    turn();
}

void Reactor::run_to_end(Task<void> task) {
  Scope scope(*this, "main");
  scope.spawn(std::move(task));
  while (scope.size() > 0) {
    if (stop_.load(std::memory_order_relaxed) && stop_.exchange(false)) scope.cancel();
    turn();
  }
}

void Reactor::stop() noexcept {
  stop_.store(true);
  poller_.wake();
}

void Reactor::turn() noexcept {
  poller_.wait(poll_timeout_ms());
  work();
}

void Reactor::pump() noexcept {
  poller_.wait(0);
  work();
}

void Reactor::work() noexcept {
  const WorkerTurn here;
  now_ = monotonic_now();
  run_mailbox();
  activity_.begin("timers");
  timers_.advance(now_);
  run_ready();
  end_turn();
}

int Reactor::poll_timeout_ms() noexcept {
  activity_.idle();
  const bool busy = !ready_.empty() || !turn_end_.empty() || poller_.tells_again();
  if (!busy) poller_.about_to_sleep();
  const bool work = busy || !completions_.empty() || !requests_.empty() || stop_.load();
  return work ? 0 : timeout_ms();
}

// Rounded up: a timer is late by less than a millisecond, never early.
int Reactor::timeout_ms() noexcept {
  constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
  const auto next = timers_.next();
  if (!next) return -1;
  const Duration ahead = std::max(*next - monotonic_now(), Duration::zero());
  return static_cast<int>(
      std::min(std::chrono::ceil<std::chrono::milliseconds>(ahead), longest).count());
}

void Reactor::run_mailbox() noexcept {
  activity_.begin("mailbox");
  if (!completions_.empty()) completions_.run_all();
  if (!requests_.empty()) requests_waiting_.fetch_sub(requests_.run_all());
}

void Reactor::run_ready() noexcept {
  for (std::size_t i = 0; i < resumes_per_turn && !ready_.empty(); ++i) {
    const Ready& ready = ready_.pop_front();
    activity_.begin(ready.name());
    ready.handle().resume();
  }
}

// A hook may arm itself again, for the next turn.
void Reactor::end_turn() noexcept {
  activity_.begin("turn end");
  ending_.splice_back(turn_end_);
  while (!ending_.empty())
    ending_.pop_front().turn_ended();
}

bool Reactor::quiet() const noexcept {
  return ready_.empty() && ending_.empty() && turn_end_.empty() && completions_.empty() &&
         requests_.empty();
}

Timestamp Reactor::wall_now() const noexcept { return wall_clock_now(); }

void Reactor::complete(Completion& completion) noexcept {
  completions_.push(completion);
  poller_.wake();
}

bool Reactor::submit(Completion& request) noexcept {
  if (requests_waiting_.fetch_add(1) >= mailbox_capacity) {
    requests_waiting_.fetch_sub(1);
    return false;
  }
  requests_.push(request);
  poller_.wake();
  return true;
}

void Reactor::offload(Job& job, Lane lane) noexcept { pools_.of(lane).submit(job, *this); }

Task<std::unique_ptr<Stream>> Reactor::connect(Endpoint endpoint) {
  return connect_socket(poller_, std::move(endpoint));
}

std::unique_ptr<Listener> Reactor::open_listener(Endpoint endpoint, const ListenOptions& options) {
  return std::make_unique<SocketListener>(poller_, endpoint, options);
}

void Reactor::watch(int descriptor, Interest interest, Wait& wait) {
  watches_.watch(descriptor, interest, wait);
}

void Reactor::unwatch(int descriptor) noexcept { watches_.unwatch(descriptor); }

}  // namespace sinew::async
