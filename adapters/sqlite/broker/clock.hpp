#pragma once

#include <algorithm>
#include <chrono>

#include "sinew/async/runtime.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"

namespace sinew::sqlite::broker {

// The broker's time, for what it writes down: the wall clock as it stood at the start, and from
// then on the steady clock, so that a jump of the wall clock while it runs moves no message. At the
// start never earlier than what was written last: when the wall clock went back in between, the
// time since counts as none.
class Clock {
 public:
  explicit Clock(async::Runtime& runtime) : runtime_(runtime) {}

  void start(Timestamp last_written) {
    started_ = runtime_.now();
    start_ = std::max(runtime_.wall_now(), last_written);
  }

  Timestamp now() const noexcept {
    return start_ + std::chrono::floor<Timestamp::duration>(runtime_.now() - started_);
  }
  // What the wall clock calls `wall`, as it stands now.
  Timestamp of_wall(Timestamp wall) const noexcept { return now() + (wall - runtime_.wall_now()); }
  // For what is further away than instants reach: never.
  Instant instant_of(Timestamp time) const noexcept {
    constexpr auto farthest = std::chrono::hours(24 * 366 * 100);
    if (time - start_ > farthest) return Instant::max();
    return started_ + std::max<Timestamp::duration>(time - start_, -farthest);
  }

 private:
  async::Runtime& runtime_;
  Instant started_{};
  Timestamp start_{};
};

}  // namespace sinew::sqlite::broker
