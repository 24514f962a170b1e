#pragma once

#include <atomic>
#include <cstdint>

namespace sinew::proxy {

// What happened to a cluster's endpoints and connections since it was made, for metrics. Shared by
// workers: relaxed atomics that only grow, each counted by whoever made it happen.
struct ClusterCounters {
  using Count = std::atomic<std::uint64_t>;

  Count connections_opened = 0;
  Count connections_reused = 0;  // requests on a connection that served one before; a second late
  Count connections_ended_idle = 0;  // by the endpoint, while no request used them
  Count connect_refused = 0;
  Count connect_tls_failures = 0;
  Count connect_timeouts = 0;
  Count connect_over_limit = 0;  // refused by a limit of ours, descriptors included
  Count became_unhealthy = 0;
  Count became_healthy = 0;
  Count ejected = 0;
  Count not_ejected = 0;  // failures enough, but as many endpoints as may be were out already
  Count readmitted = 0;
};

inline void count(ClusterCounters::Count& counter, std::uint64_t more = 1) noexcept {
  counter.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace sinew::proxy
