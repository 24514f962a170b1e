#pragma once

#include <initializer_list>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/runtime.hpp"

namespace sinew::async {

// Signals as something to await; for executables only, a library leaves them alone. Made on the
// main thread before it starts others, so that nobody else takes the signals; while it lives they
// have no other effect. One waiter, on the runtime's worker.
class SignalWatch {
 public:
  // `signals` from signal(7), such as SIGINT and SIGTERM. Errors: invalid_input, exhausted.
  SignalWatch(Runtime& runtime, std::initializer_list<int> signals);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

  // The number of the next signal. Errors: timeout, cancelled.
  Task<int> next();

 private:
  class Blocked;

  Runtime& runtime_;
  std::unique_ptr<Blocked> blocked_;
  Descriptor descriptor_;
};

}  // namespace sinew::async
