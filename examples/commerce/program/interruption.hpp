#pragma once

#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/signals.hpp"
#include "sinew/async/task.hpp"

namespace commerce::program {

// Ctrl+C: the first one ends the job in an orderly way, the second one the process at once. Made on
// the main thread before the workers run; guard() once.
class Interruption {
 public:
  explicit Interruption(sinew::async::Runtime& runtime);

  // Runs `job`; a signal cancels it. Throws what it throws, but nothing when it was interrupted.
  sinew::Task<void> guard(sinew::Task<void> job);
  bool happened() const noexcept { return happened_; }

  // Waits until it is interrupted.
  static sinew::Task<void> wait();

 private:
  sinew::Task<void> watch();

  sinew::async::SignalWatch signals_;
  sinew::async::Scope watching_;
  sinew::async::Scope* job_ = nullptr;
  bool happened_ = false;
};

}  // namespace commerce::program
