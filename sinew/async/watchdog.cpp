#include "sinew/async/watchdog.hpp"

#include <utility>

#include "sinew/async/clock.hpp"
#include "sinew/async/thread.hpp"

namespace sinew::async {

std::optional<Stall> StallDetector::observe(Instant now, Activity::Sample sample) noexcept {
  if (sample.name == nullptr || sample.step != seen_.step) {
    seen_ = sample;
    since_ = now;
    reported_ = false;
    return std::nullopt;
  }
  if (reported_ || now - since_ < threshold_) return std::nullopt;
  reported_ = true;
  return Stall{.handler = seen_.name, .duration = now - since_};
}

Watchdog::Watchdog(std::vector<const Activity*> workers, Duration threshold, Report report)
    : workers_(std::move(workers)), threshold_(threshold), report_(std::move(report)) {
  thread_ = start_thread("sinew-watchdog", [this] { watch(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
}

void Watchdog::watch() {
  std::vector<StallDetector> detectors(workers_.size(), StallDetector(threshold_));
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, threshold_ / 4, [this] { return stopping_; })) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      auto stall = detectors[i].observe(monotonic_now(), workers_[i]->sample());
      if (!stall) continue;
      stall->worker = i;
      report_(*stall);
    }
  }
}

}  // namespace sinew::async
