#include "sinew/resilience/bulkhead.hpp"

#include "sinew/base/config.hpp"
#include "sinew/resilience/timeout.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kHalfBits = 32;
constexpr std::uint64_t kOneRunning = std::uint64_t{1} << kHalfBits;
constexpr std::uint64_t kOneWaiting = 1;

constexpr std::uint64_t running(std::uint64_t word) noexcept { return word >> kHalfBits; }
constexpr std::uint64_t waiting(std::uint64_t word) noexcept { return word & (kOneRunning - 1); }

BulkheadSettings valid(BulkheadSettings settings) {
  config::require_valid(settings, "the bulkhead");
  return settings;
}

}  // namespace

void BulkheadSettings::describe(config::Section<BulkheadSettings>& section) {
  using S = BulkheadSettings;
  section.option("max_concurrent", &S::max_concurrent, "calls at the same time").range(1, 100'000);
  section.option("max_waiting", &S::max_waiting, "calls that wait for a place").range(0, 100'000);
  section.option("max_wait", &S::max_wait, "for a place").range(0ms, 1h);
}

std::vector<std::string> BulkheadSettings::violations() const {
  if (max_waiting == 0 || max_wait > 0ms) return {};
  return {"max_wait is 0 and max_waiting is not: nobody would ever wait"};
}

Bulkhead::Bulkhead(const BulkheadSettings& settings) : settings_(valid(settings)) {}

Bulkhead::Entry Bulkhead::enter() noexcept {
  auto word = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool has_place = running(word) < static_cast<std::uint64_t>(settings_.max_concurrent);
    if (!has_place && waiting(word) >= static_cast<std::uint64_t>(settings_.max_waiting)) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return Entry::refused;
    }
    const auto desired = word + (has_place ? kOneRunning : kOneWaiting);
    if (word_.compare_exchange_weak(word, desired, std::memory_order_relaxed)) {
      return has_place ? Entry::entered : Entry::waits;
    }
  }
}

Instant Bulkhead::patience(Instant now) const noexcept {
  return deadline_in(settings_.max_wait, now);
}

bool Bulkhead::leave() noexcept {
  auto word = word_.load(std::memory_order_relaxed);
  for (;;) {
    const bool hands_over = waiting(word) > 0;
    const auto desired = word - (hands_over ? kOneWaiting : kOneRunning);
    if (word_.compare_exchange_weak(word, desired, std::memory_order_relaxed)) return hands_over;
  }
}

void Bulkhead::give_up() noexcept {
  word_.fetch_sub(kOneWaiting, std::memory_order_relaxed);
  gave_up_.fetch_add(1, std::memory_order_relaxed);
}

Bulkhead::Snapshot Bulkhead::snapshot() const noexcept {
  const auto word = word_.load(std::memory_order_relaxed);
  return {running(word), waiting(word), refused_.load(std::memory_order_relaxed),
          gave_up_.load(std::memory_order_relaxed)};
}

}  // namespace sinew::resilience
