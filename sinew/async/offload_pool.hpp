#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sinew/async/runtime.hpp"

namespace sinew::async {

// Threads that execute Jobs in the order in which they came. The queue is intrusive: a job waits in
// the frame of the task that suspended for it, so it holds at most one entry a suspended task.
class OffloadPool {
 public:
  OffloadPool(const std::string& name, std::size_t threads);
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;
  ~OffloadPool();

  // From any thread. When executed, `job` is completed on `home`.
  void submit(Job& job, Runtime& home) noexcept;
  // Returns when no job of `home` waits or runs here: the pool does not touch `home` any more.
  void drain(const Runtime& home) noexcept;

 private:
  void work(const Runtime*& busy_for);
  bool works_for(const Runtime& home) const noexcept;
  void stop() noexcept;

  std::mutex mutex_;
  std::condition_variable work_or_stop_;
  std::condition_variable job_over_;
  Job* oldest_ = nullptr;
  Job* newest_ = nullptr;
  bool stopping_ = false;
  std::vector<const Runtime*> busy_for_;  // a thread each
  std::vector<std::jthread> threads_;
};

// The pools of a process, a lane each; shared by its reactors, which they outlive.
class OffloadPools {
 public:
  struct Options {
    std::size_t general_threads = 2;
    std::size_t commit_threads = 4;
  };

  OffloadPools() : OffloadPools(Options()) {}
  explicit OffloadPools(Options options)
      : general_("sinew-offload", options.general_threads),
        commit_("sinew-commit", options.commit_threads) {}

  void drain(const Runtime& home) noexcept {
    general_.drain(home);
    commit_.drain(home);
  }
  OffloadPool& of(Lane lane) noexcept { return lane == Lane::commit ? commit_ : general_; }

 private:
  OffloadPool general_;
  OffloadPool commit_;
};

}  // namespace sinew::async
