#include "sinew/resilience/retry_budget.hpp"

#include "sinew/base/config.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

RetryBudgetSettings valid(RetryBudgetSettings settings) {
  config::require_valid(settings, "the retry budget");
  return settings;
}

}  // namespace

void RetryBudgetSettings::describe(config::Section<RetryBudgetSettings>& section) {
  section.option("ratio", &RetryBudgetSettings::ratio, "retries a recent request").range(0.0, 10.0);
  section
      .option("min_per_second", &RetryBudgetSettings::min_per_second,
              "retries a second allowed in addition")
      .range(0, 100'000);
  section.option("window", &RetryBudgetSettings::window, "what is recent").range(1s, 10min);
}

std::vector<std::string> RetryBudgetSettings::violations() const {
  if (ratio > 0 || min_per_second > 0) return {};
  return {"ratio and min_per_second are both 0: no retry would ever be allowed"};
}

RetryBudget::RetryBudget(const RetryBudgetSettings& settings)
    : ratio_(valid(settings).ratio),
      minimum_(settings.min_per_second * std::chrono::duration<double>(settings.window).count()),
      recent_(settings.window) {}

std::uint64_t RetryBudget::allowed(const SlidingWindow::Counts& recent) const noexcept {
  return static_cast<std::uint64_t>(ratio_ * static_cast<double>(recent.plain) + minimum_);
}

bool RetryBudget::try_retry(Instant now) noexcept {
  const auto recent = recent_.counts(now);
  if (recent.marked >= allowed(recent)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  recent_.add_marked(now);
  return true;
}

RetryBudget::Snapshot RetryBudget::snapshot(Instant now) const noexcept {
  const auto recent = recent_.counts(now);
  return {recent.plain, recent.marked, allowed(recent), refused_.load(std::memory_order_relaxed)};
}

}  // namespace sinew::resilience
