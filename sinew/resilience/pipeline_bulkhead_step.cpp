#include <fmt/format.h>

#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/base/config.hpp"
#include "sinew/resilience/pipeline_parts.hpp"

namespace sinew::resilience {

// A place in the bulkhead, or the wish for one.
class PipelineEngine::Place {
 public:
  explicit Place(PipelineEngine& engine) : engine_(engine), entry_(engine.bulkhead_->enter()) {
    if (entry_ == Bulkhead::Entry::waits) engine_.waiters_.push_back(waiter_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (held()) {
      engine_.release_place();
    } else if (entry_ == Bulkhead::Entry::waits) {
      waiter_.unlink();
      engine_.bulkhead_->give_up();
    }
  }

  bool held() const noexcept { return entry_ == Bulkhead::Entry::entered || waiter_.handed; }
  bool waits() const noexcept { return entry_ == Bulkhead::Entry::waits && !waiter_.handed; }

  // Until it is held or the deadline passes.
  Task<void> wait() {
    struct Awaiter {
      async::Wait& wait;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<async::Promise<void>> handle) const noexcept {
        wait.suspend(handle);
      }
      void await_resume() const noexcept {}
    };
    co_await Awaiter{waiter_.wait};
  }

 private:
  PipelineEngine& engine_;
  Bulkhead::Entry entry_;
  Waiter waiter_;
};

void PipelineEngine::release_place() noexcept {
  if (!bulkhead_->leave()) return;
  Waiter& first = waiters_.pop_front();
  first.handed = true;
  first.wait.complete();
}

Task<Outcome> PipelineEngine::confined(std::size_t next, Visit& visit) {
  Place place(*this);
  if (place.waits()) {
    co_await async::with_deadline(bulkhead_->patience(now()), place.wait());
  }
  if (place.held()) co_return co_await step(next, visit);
  const auto& context = co_await async::this_context();
  if (context.cancel != nullptr && context.cancel->cancelled()) {
    co_return Outcome::refusal(Condition::cancelled, fmt::format("{}: cancelled", name_));
  }
  const auto& limits = bulkhead_->settings();
  const auto why =
      place.waits()
          ? fmt::format("no place among {} calls within {}", limits.max_concurrent,
                        config::format_duration(limits.max_wait))
          : fmt::format("{} calls run and {} wait", limits.max_concurrent, limits.max_waiting);
  co_return refuse(Step::bulkhead, Condition::exhausted, why);
}

}  // namespace sinew::resilience
