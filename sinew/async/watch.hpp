#pragma once

#include "sinew/async/runtime.hpp"

namespace sinew::async {

// co_await ready(descriptor, interest): returns when a foreign descriptor is ready, which may turn
// out wrong: the caller tries and comes back. Errors: timeout, cancelled; invalid_input when it is
// not open. Runtime::unwatch() before it is closed.
class DescriptorReady final : public Wait {
 public:
  DescriptorReady(int descriptor, Interest interest) noexcept
      : descriptor_(descriptor), interest_(interest) {}

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    suspend(handle);
    if (waiting()) handle.promise().context().runtime->watch(descriptor_, interest_, *this);
  }
  void await_resume() const { check("a descriptor"); }

 private:
  int descriptor_;
  Interest interest_;
};
inline DescriptorReady ready(int descriptor, Interest interest) noexcept {
  return DescriptorReady(descriptor, interest);
}

}  // namespace sinew::async
