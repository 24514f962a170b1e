#include "examples/commerce/program/interruption.hpp"

#include <signal.h>
#include <unistd.h>

#include <exception>
#include <utility>

#include "sinew/async/channel.hpp"
#include "sinew/base/error.hpp"

namespace commerce::program {

using sinew::Task;

namespace {
constexpr int interrupted_twice = 128 + SIGINT;
}

Interruption::Interruption(sinew::async::Runtime& runtime)
    : signals_(runtime, {SIGINT, SIGTERM}), watching_(runtime, "signals") {}

Task<void> Interruption::guard(Task<void> job) {
  sinew::async::Scope jobs(co_await sinew::async::this_context());
  job_ = &jobs;
  watching_.spawn(watch());
  jobs.spawn(std::move(job));
  std::exception_ptr failure;
  try {
    co_await jobs.join();
  } catch (...) {
    failure = std::current_exception();
  }
  job_ = nullptr;
  if (failure && !happened_) std::rethrow_exception(failure);
}

// Goes on after the job: what follows it, such as draining, can be cut short as well.
Task<void> Interruption::watch() {
  for (;;) {
    co_await signals_.next();
    if (happened_) ::_exit(interrupted_twice);
    happened_ = true;
    if (job_ != nullptr) job_->cancel();
  }
}

Task<void> Interruption::wait() {
  sinew::async::Event never;
  co_await never.wait();
}

}  // namespace commerce::program
