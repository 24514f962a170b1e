#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "sinew/async/offload.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async {

// How far something has come that a thread asked of a worker. Shared by the two.
class Progress {
 public:
  // By the worker. False when the asker gave up before: it must not be done any more.
  bool begin() noexcept;
  void settle() noexcept;

  bool settled() const noexcept;
  // Blocks until it is settled. Errors: timeout; applied `no` when it had not begun, in which case
  // it never will, else unknown. invalid_input on a worker's thread, which would wait for itself.
  void wait(Duration timeout);

 private:
  enum class Phase : std::uint8_t { waiting, begun, settled, withdrawn };

  mutable std::mutex mutex_;
  std::condition_variable over_;
  Phase phase_ = Phase::waiting;
};

template <class T>
struct FutureState {
  Progress progress;
  Outcome<T> outcome;  // of the worker until settled, of the asker then
};

// The result of what a thread asked of a worker, for threads that may block. Dropping it cancels
// nothing. One thread at a time.
template <class T>
class [[nodiscard]] Future {
 public:
  explicit Future(std::shared_ptr<FutureState<T>> state) noexcept : state_(std::move(state)) {}

  bool ready() const noexcept { return state_->progress.settled(); }
  // Blocks for at most `timeout`; gives the result, once, or throws what the work threw. Errors
  // besides: those of Progress::wait. After a timeout it may be asked again.
  T get(Duration timeout) {
    state_->progress.wait(timeout);
    Outcome<T> outcome = std::move(state_->outcome);  // an exception is this thread's alone
    return outcome.take();
  }

 private:
  std::shared_ptr<FutureState<T>> state_;
};

}  // namespace sinew::async
