#include "sinew/async/signals.hpp"

#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>

#include "sinew/async/socket_error.hpp"
#include "sinew/async/watch.hpp"

namespace sinew::async {

class SignalWatch::Blocked {
 public:
  explicit Blocked(std::initializer_list<int> signals) noexcept {
    ::sigemptyset(&watched_);
    for (const int signal : signals)
      ::sigaddset(&watched_, signal);
    ::pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  ~Blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  const sigset_t& watched() const noexcept { return watched_; }

 private:
  sigset_t watched_;
  sigset_t before_;
};

SignalWatch::SignalWatch(Runtime& runtime, std::initializer_list<int> signals)
    : runtime_(runtime),
      blocked_(std::make_unique<Blocked>(signals)),
      descriptor_(::signalfd(-1, &blocked_->watched(), SFD_NONBLOCK | SFD_CLOEXEC)) {
  if (!descriptor_) throw socket_error("cannot watch for signals", errno);
}

SignalWatch::~SignalWatch() { runtime_.unwatch(descriptor_.get()); }

Task<int> SignalWatch::next() {
  signalfd_siginfo info{};
  while (::read(descriptor_.get(), &info, sizeof info) != sizeof info) {
    if (errno != EAGAIN && errno != EINTR) throw socket_error("cannot read signals", errno);
    co_await ready(descriptor_.get(), Interest::readable);
  }
  co_return static_cast<int>(info.ssi_signo);
}

}  // namespace sinew::async
