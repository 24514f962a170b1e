#pragma once

namespace sinew::async {

// Whether a worker's turn runs on this thread now: whoever blocks here blocks that worker.
bool on_worker() noexcept;

// Marks the thread for as long as it lives. A Reactor does so around each turn.
class WorkerTurn {
 public:
  WorkerTurn() noexcept;
  WorkerTurn(const WorkerTurn&) = delete;
  WorkerTurn& operator=(const WorkerTurn&) = delete;
  ~WorkerTurn();

 private:
  bool before_;
};

}  // namespace sinew::async
