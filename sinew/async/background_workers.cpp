#include "sinew/async/background_workers.hpp"

#include <utility>

#include "sinew/async/thread.hpp"
#include "sinew/async/worker_thread.hpp"
#include "sinew/base/error.hpp"

namespace sinew::async {

BackgroundWorkers::BackgroundWorkers(WorkerGroup::Options options)
    : group_(std::make_unique<WorkerGroup>(std::move(options))) {}

BackgroundWorkers::~BackgroundWorkers() {
  group_->stop();
  if (thread_.joinable()) thread_.join();
}

void BackgroundWorkers::start(WorkerGroup::Main main) {
  if (std::exchange(started_, true)) {
    throw Error(Condition::invalid_input, "workers are started once; make others");
  }
  main_ = std::move(main);
  thread_ = start_thread("sinew-0", [this] {
    try {
      group_->run(main_);
    } catch (...) {
      failure_ = std::current_exception();
    }
  });
}

void BackgroundWorkers::join() {
  if (on_worker()) {
    throw Error(Condition::invalid_input, "a worker cannot wait for the end of workers");
  }
  if (thread_.joinable()) thread_.join();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace sinew::async
