#pragma once

#include <exception>
#include <memory>
#include <thread>

#include "sinew/async/worker.hpp"

namespace sinew::async {

// A WorkerGroup beside the threads of a program that has its own main loop: even its first worker
// runs on a thread made for it. Its threads take no signals. Made, started, joined and destroyed on
// threads that are no workers, one at a time.
class BackgroundWorkers {
 public:
  // Errors: those of WorkerGroup.
  explicit BackgroundWorkers(WorkerGroup::Options options = {});
  BackgroundWorkers(const BackgroundWorkers&) = delete;
  BackgroundWorkers& operator=(const BackgroundWorkers&) = delete;
  // Stops the group and joins it.
  ~BackgroundWorkers();

  WorkerGroup& group() noexcept { return *group_; }

  // Runs `main` on every worker and returns at once; once only. Errors: exhausted, invalid_input.
  void start(WorkerGroup::Main main);
  // Returns when all have ended; throws what WorkerGroup::run throws. Error invalid_input on a
  // worker's thread.
  void join();

 private:
  std::unique_ptr<WorkerGroup> group_;
  WorkerGroup::Main main_;
  std::exception_ptr failure_;
  std::jthread thread_;
  bool started_ = false;
};

}  // namespace sinew::async
