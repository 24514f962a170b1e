#pragma once

#include <atomic>
#include <cstdint>

#include "sinew/base/instant.hpp"

namespace sinew::proxy {

// How long an endpoint takes to answer: a moving average that weighs a sample by its age and jumps
// to a sample above it ("peak EWMA", Finagle's and linkerd's), so a slow endpoint is noticed at
// once and forgiven in time. Shared by workers: one word; of two samples at the same moment one is
// lost.
class PeakLatency {
 public:
  // Of an endpoint that has not answered yet (linkerd's default_rtt): better than a slow one, worse
  // than a quick one, so a new one is tried and not overrun.
  static constexpr Duration kInitial = std::chrono::milliseconds(30);

  // `decay`: the time in which a past sample's weight falls to 1/e.
  void add(Duration latency, Instant now, Duration decay) noexcept;

  // In microseconds. Falls while no answer comes, so an endpoint that nobody asks because it was
  // slow is asked again.
  double microseconds(Instant now, Duration decay) const noexcept;

 private:
  // 32 bits of tenths of microseconds (7 minutes), 32 of milliseconds, which come again after 49
  // days. Zero: no sample yet.
  std::atomic<std::uint64_t> word_ = 0;
};

}  // namespace sinew::proxy
