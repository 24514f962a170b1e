#include "sinew/async/worker.hpp"

#include <string>
#include <thread>
#include <utility>

#include "sinew/async/thread.hpp"

namespace sinew::async {
namespace {

std::size_t checked(std::size_t workers) {
  if (workers >= 1 && workers <= WorkerGroup::max_workers) return workers;
  throw Error(Condition::invalid_input, "a group of " + std::to_string(workers) +
                                            " workers; give 1 to " +
                                            std::to_string(WorkerGroup::max_workers));
}

}  // namespace

WorkerGroup::WorkerGroup(Options options)
    : pools_(options.pools), options_(std::move(options)), running_(checked(options_.workers)) {
  for (std::size_t i = 0; i < options_.workers; ++i)
    reactors_.emplace_back(pools_);
  arrived_.resize(options_.workers);
}

void WorkerGroup::run(const Main& main) {
  std::optional<Watchdog> watchdog;
  if (options_.on_stall) {
    std::vector<const Activity*> activities;
    for (const Reactor& reactor : reactors_)
      activities.push_back(&reactor.activity());
    watchdog.emplace(std::move(activities), options_.stall_threshold, options_.on_stall);
  }
  {
    const std::vector<std::jthread> others = start_others(main);
    run_worker(main, 0);
  }
  if (failure_) std::rethrow_exception(failure_);
}

std::vector<std::jthread> WorkerGroup::start_others(const Main& main) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < size(); ++i) {
    try {
      threads.push_back(
          start_thread("sinew-" + std::to_string(i), [this, &main, i] { run_worker(main, i); }));
    } catch (...) {
      failed(i, std::current_exception());
      arrive(i, nullptr);
    }
  }
  return threads;
}

// Completed by the last worker that ends: only then does any of them leave its loop.
class WorkerGroup::AllEnded final : public Wait, private Completion {
 public:
  AllEnded(WorkerGroup& group, std::size_t index) noexcept
      : Wait(Shield::yes), group_(group), index_(index) {}
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    group_.arrive(index_, this);
  }
  void await_resume() const noexcept {}

 private:
  void run() noexcept override { complete(); }

  WorkerGroup& group_;
  std::size_t index_;
};

// `completion` is null for a worker whose thread could not be started.
void WorkerGroup::arrive(std::size_t index, Completion* completion) noexcept {
  arrived_[index] = completion;
  if (running_.fetch_sub(1) > 1) return;
  for (std::size_t i = 0; i < size(); ++i) {
    if (arrived_[i] != nullptr) reactors_[i].complete(*arrived_[i]);
  }
}

Task<void> WorkerGroup::work(const Main& main, std::size_t index) {
  try {
    co_await main(reactors_[index], index);
  } catch (...) {
    failed(index, std::current_exception());
  }
  co_await AllEnded(*this, index);
}

void WorkerGroup::run_worker(const Main& main, std::size_t index) noexcept {
  reactors_[index].run(work(main, index));
}

void WorkerGroup::failed(std::size_t index, std::exception_ptr failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled && stopping_.load()) return;
    failure = std::make_exception_ptr(
        Error(error.condition(), "worker " + std::to_string(index) + " failed: " + error.detail(),
              error.applied()));
  } catch (...) {
  }
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
  }
  stop();
}

void WorkerGroup::stop() noexcept {
  stopping_.store(true);
  for (Reactor& reactor : reactors_)
    reactor.stop();
}

}  // namespace sinew::async
