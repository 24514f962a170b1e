#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/watchdog.hpp"

namespace sinew::async {

// The workers of a process: a reactor and a thread each; the first is the thread that calls run().
// They share the offload pools and a watchdog. Built, run once and destroyed on one thread.
class WorkerGroup {
 public:
  static constexpr std::size_t max_workers = 256;

  struct Options {
    std::size_t workers = 1;  // 1 to max_workers
    OffloadPools::Options pools = {};
    Duration stall_threshold = std::chrono::milliseconds(100);
    Watchdog::Report on_stall = {};  // on the watchdog's thread; none: nobody watches
  };
  // The task of the worker with this index. It ends by itself, or when stop() cancels it.
  using Main = std::function<Task<void>(Reactor& reactor, std::size_t index)>;

  // Errors: invalid_input, exhausted.
  explicit WorkerGroup(Options options);
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  std::size_t size() const noexcept { return reactors_.size(); }
  Reactor& reactor(std::size_t index) noexcept { return reactors_[index]; }

  // Runs `main` on every worker and returns when all have ended; until then each goes on to serve
  // the calls of the others. The first exception stops the group and comes out of here, with the
  // worker named when it is an Error; Error cancelled after stop() counts as a normal end.
  void run(const Main& main);

  // From any thread, once or more: cancels every worker's task.
  void stop() noexcept;

 private:
  class AllEnded;

  std::vector<std::jthread> start_others(const Main& main);
  Task<void> work(const Main& main, std::size_t index);
  void run_worker(const Main& main, std::size_t index) noexcept;
  void failed(std::size_t index, std::exception_ptr failure) noexcept;
  void arrive(std::size_t index, Completion* completion) noexcept;

  OffloadPools pools_;
  std::deque<Reactor> reactors_;
  Options options_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<Completion*> arrived_;
  std::atomic<std::size_t> running_;
};

}  // namespace sinew::async
