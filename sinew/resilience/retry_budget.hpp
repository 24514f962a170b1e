#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/resilience/sliding_window.hpp"

namespace sinew::resilience {

// The defaults are those of Finagle's RetryBudget and of linkerd.
struct RetryBudgetSettings {
  double ratio = 0.2;       // retries a request
  int min_per_second = 10;  // in addition, so that a quiet client can retry at all
  Duration window = std::chrono::seconds(10);

  bool operator==(const RetryBudgetSettings&) const = default;
  static void describe(config::Section<RetryBudgetSettings>& section);
  std::vector<std::string> violations() const;
};

// Bounds the retries of all operations on one target to a share of the recent requests: when the
// target fails entirely, its load grows by `ratio` and not by max_attempts. Shared by threads; its
// calls are noexcept, take no lock and allocate nothing. Each thread that asks at the very same
// moment may exceed the budget by one.
class RetryBudget {
 public:
  // Throws Error invalid_input listing every violation.
  explicit RetryBudget(const RetryBudgetSettings& settings = {});

  void request(Instant now) noexcept { recent_.add(now); }  // a first attempt begins
  bool try_retry(Instant now) noexcept;                     // true: counted, go on

  struct Snapshot {
    std::uint64_t requests;  // in the window
    std::uint64_t retries;   // in the window
    std::uint64_t allowed;   // retries, in the window
    std::uint64_t refused;   // ever
  };
  Snapshot snapshot(Instant now) const noexcept;

 private:
  std::uint64_t allowed(const SlidingWindow::Counts& recent) const noexcept;

  double ratio_;
  double minimum_;
  SlidingWindow recent_;  // requests plain, retries marked
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace sinew::resilience
