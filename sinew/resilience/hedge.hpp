#pragma once

#include <cstdint>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/resilience/retry.hpp"
#include "sinew/resilience/retry_budget.hpp"

namespace sinew::resilience {

// A second call for one whose answer is late. A good delay is the target's usual p95: then about a
// twentieth of the calls is doubled (Dean and Barroso, "The Tail at Scale", 2013).
struct HedgeSettings {
  Duration delay = std::chrono::milliseconds(200);

  static void describe(config::Section<HedgeSettings>& section);
};

// One operation of one or two calls, of which the first good answer counts. Plain data without
// allocation; belongs to its caller, who starts, cancels and awaits the calls.
class Hedge {
 public:
  // Settings must be valid. What is not repeatable is never called twice.
  Hedge(const HedgeSettings& settings, Repeatable repeatable, Instant started) noexcept;

  // When the second call is due; Instant::max() when there will be none.
  Instant second_at() const noexcept { return second_at_; }
  // Whether it may begin now, which the budget decides as for a retry; asked once.
  bool try_second(RetryBudget& budget, Instant now) noexcept;

  // A call ended. True: its result is the operation's, and what still runs is to be cancelled.
  bool ended(bool good) noexcept;

 private:
  Instant second_at_;
  std::uint8_t running_ = 1;
};

}  // namespace sinew::resilience
