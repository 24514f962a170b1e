#include "sinew/async/thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::async {
namespace {

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

std::jthread start_thread(const std::string& name, std::function<void()> body) {
  const SignalsBlocked inherited_by_the_thread;
  try {
    return std::jthread([shown = name.substr(0, 15), run = std::move(body)] {
      ::pthread_setname_np(::pthread_self(), shown.c_str());
      run();
    });
  } catch (const std::system_error& error) {
    throw Error(Condition::exhausted, "cannot start the thread '" + name + "': " + error.what());
  }
}

}  // namespace sinew::async
