#include "sinew/resilience/circuit_breaker.hpp"

#include <algorithm>

#include "sinew/base/config.hpp"
#include "sinew/resilience/outage.hpp"
#include "sinew/resilience/timeout.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kPayloadBits = 38;
constexpr unsigned kHalfBits = kPayloadBits / 2;
constexpr std::uint64_t kPayloadMask = (1ULL << kPayloadBits) - 1;
constexpr std::uint64_t kHalfMask = (1ULL << kHalfBits) - 1;
constexpr std::uint64_t kGenerationMask = (1ULL << 24U) - 1;

CircuitBreakerSettings valid(CircuitBreakerSettings settings) {
  config::require_valid(settings, "the circuit breaker");
  return settings;
}

// Milliseconds since the Runtime's start, rounded up: a probe is never early. 38 bits last for 8.7
// years; after that a breaker that opens is half open at once.
std::uint64_t to_payload(Instant time) noexcept {
  const auto since_start = std::max(time, Instant()).time_since_epoch();
  const auto ms = static_cast<std::uint64_t>(since_start / 1ms) + (since_start % 1ms > 0ns ? 1 : 0);
  return std::min(ms, kPayloadMask);
}

}  // namespace

// The machine's state, unpacked: 24 bits of generation, 2 of state, 38 of payload.
struct CircuitBreaker::Word {
  std::uint64_t generation = 0;
  CircuitState state = CircuitState::closed;
  // closed: consecutive failures. open: when the first probe may start. half open: probes in
  // flight and successes, in two halves.
  std::uint64_t payload = 0;

  static Word unpack(std::uint64_t bits) noexcept {
    return {bits >> (kPayloadBits + 2), static_cast<CircuitState>((bits >> kPayloadBits) & 3U),
            bits & kPayloadMask};
  }
  std::uint64_t pack() const noexcept {
    return generation << (kPayloadBits + 2) | std::uint64_t(state) << kPayloadBits | payload;
  }

  Word next(CircuitState to, std::uint64_t with) const noexcept {
    return {(generation + 1) & kGenerationMask, to, with};
  }
  Word with(std::uint64_t changed) const noexcept { return {generation, state, changed}; }
  std::uint64_t in_flight() const noexcept { return payload >> kHalfBits; }
  std::uint64_t successes() const noexcept { return payload & kHalfMask; }
  Instant opens_at() const noexcept { return Instant(std::chrono::milliseconds(payload)); }
};

namespace {

constexpr std::uint64_t probes(std::uint64_t in_flight, std::uint64_t successes) noexcept {
  return in_flight << kHalfBits | successes;
}

}  // namespace

void CircuitBreakerSettings::describe(config::Section<CircuitBreakerSettings>& section) {
  using S = CircuitBreakerSettings;
  section.option("consecutive_failures", &S::consecutive_failures, "in a row that open it; 0: off")
      .range(0, 1'000'000);
  section.option("failure_percent", &S::failure_percent, "of recent calls that open it; 0: off")
      .range(0, 100);
  section.option("minimum_volume", &S::minimum_volume, "recent calls before the percentage counts")
      .range(1, 1'000'000);
  section.option("window", &S::window, "what is recent").range(100ms, 10min);
  section.option("open_for", &S::open_for, "time without calls before a probe").range(1ms, 1h);
  section.option("half_open_probes", &S::half_open_probes, "probes at the same time")
      .range(1, 1'000);
  section.option("success_threshold", &S::success_threshold, "probes that must succeed to close it")
      .range(1, 1'000);
}

std::vector<std::string> CircuitBreakerSettings::violations() const {
  std::vector<std::string> out;
  if (consecutive_failures == 0 && failure_percent == 0) {
    out.emplace_back("consecutive_failures and failure_percent are both 0: it would never open");
  }
  if (half_open_probes > success_threshold) {
    out.emplace_back("half_open_probes is above success_threshold: probes that decide nothing");
  }
  return out;
}

std::string_view to_string(CircuitState state) noexcept {
  switch (state) {
    case CircuitState::closed: return "closed";
    case CircuitState::open: return "open";
    case CircuitState::half_open: return "half_open";
  }
  return "unknown";
}

std::string_view to_string(Forcing forcing) noexcept {
  switch (forcing) {
    case Forcing::automatic: return "automatic";
    case Forcing::open: return "open";
    case Forcing::closed: return "closed";
  }
  return "unknown";
}

CircuitBreaker::CircuitBreaker(const CircuitBreakerSettings& settings)
    : settings_(valid(settings)), recent_(settings.window) {}

CircuitBreaker::Word CircuitBreaker::load() const noexcept {
  return Word::unpack(word_.load(std::memory_order_relaxed));
}

bool CircuitBreaker::replace(Word& expected, const Word& desired) noexcept {
  auto bits = expected.pack();
  if (word_.compare_exchange_weak(bits, desired.pack(), std::memory_order_relaxed)) return true;
  expected = Word::unpack(bits);
  return false;
}

// The loops below end when their exchange succeeds or the generation has moved on. An exchange
// fails because another thread's succeeded, and those are few: a generation has at most as many
// of them as failures to its threshold and probes.

std::optional<CircuitBreaker::Permit> CircuitBreaker::try_enter(Instant now) noexcept {
  switch (forcing_.load(std::memory_order_relaxed)) {
    case Forcing::automatic: break;
    case Forcing::open: refused_.fetch_add(1, std::memory_order_relaxed); return std::nullopt;
    case Forcing::closed: return Permit(nullptr, 0);
  }
  auto word = load();
  while (word.state != CircuitState::closed) {
    const bool open = word.state == CircuitState::open;
    const auto limit = static_cast<std::uint64_t>(settings_.half_open_probes);
    if (open ? now < word.opens_at() : word.in_flight() >= limit) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    const auto entered = open ? word.next(CircuitState::half_open, probes(1, 0))
                              : word.with(probes(word.in_flight() + 1, word.successes()));
    if (replace(word, entered)) return Permit(this, entered.generation);
  }
  return Permit(this, word.generation);
}

void CircuitBreaker::force(Forcing forcing) noexcept {
  forcing_.store(forcing, std::memory_order_relaxed);
  if (forcing != Forcing::automatic) return;
  auto word = load();
  while (!replace(word, word.next(CircuitState::closed, 0))) {
  }
  recent_.clear();
}

void CircuitBreaker::succeeded(std::uint64_t generation, Instant now) noexcept {
  auto word = load();
  if (word.generation == generation && word.state == CircuitState::closed) recent_.add(now);
  while (word.generation == generation) {
    if (word.state == CircuitState::closed) {
      if (word.payload == 0 || replace(word, word.with(0))) return;
      continue;
    }
    const auto successes = word.successes() + 1;
    const bool closes = successes >= static_cast<std::uint64_t>(settings_.success_threshold);
    const auto desired = closes ? word.next(CircuitState::closed, 0)
                                : word.with(probes(word.in_flight() - 1, successes));
    if (replace(word, desired)) return;
  }
  ignore_late();
}

void CircuitBreaker::failed(std::uint64_t generation, Instant now) noexcept {
  auto word = load();
  if (word.generation == generation && word.state == CircuitState::closed) recent_.add_marked(now);
  while (word.generation == generation) {
    const bool closed = word.state == CircuitState::closed;
    if (closed && !too_many_failures(word.payload + 1, now)) {
      // Without that trigger there is nothing to count, and nothing to contend for.
      if (settings_.consecutive_failures == 0) return;
      if (replace(word, word.with(word.payload + 1))) return;
      continue;
    }
    if (!replace(word, opened_after(word, now))) continue;
    opened_.fetch_add(1, std::memory_order_relaxed);
    // The thread that opens it clears the window, while nobody counts into it; a sample of this
    // generation that is on its way this very moment may stay.
    if (closed) recent_.clear();
    return;
  }
  ignore_late();
}

void CircuitBreaker::abandoned(std::uint64_t generation) noexcept {
  auto word = load();
  while (word.generation == generation && word.state == CircuitState::half_open) {
    if (replace(word, word.with(probes(word.in_flight() - 1, word.successes())))) return;
  }
}

bool CircuitBreaker::too_many_failures(std::uint64_t consecutive, Instant now) const noexcept {
  const auto limit = static_cast<std::uint64_t>(settings_.consecutive_failures);
  if (limit != 0 && consecutive >= limit) return true;
  if (settings_.failure_percent == 0) return false;
  const auto recent = recent_.counts(now);
  return recent.total() >= static_cast<std::uint64_t>(settings_.minimum_volume) &&
         recent.marked * 100 >=
             recent.total() * static_cast<std::uint64_t>(settings_.failure_percent);
}

CircuitBreaker::Word CircuitBreaker::opened_after(const Word& word, Instant now) const noexcept {
  return word.next(CircuitState::open, to_payload(deadline_in(settings_.open_for, now)));
}

CircuitBreaker::Snapshot CircuitBreaker::snapshot(Instant now) const noexcept {
  const auto word = load();
  Snapshot out{.state = word.state,
               .forcing = forcing_.load(std::memory_order_relaxed),
               .generation = word.generation,
               .consecutive_failures = 0,
               .probes_in_flight = 0,
               .probe_successes = 0,
               .next_probe = std::nullopt,
               .recent = recent_.counts(now),
               .opened = opened_.load(std::memory_order_relaxed),
               .refused = refused_.load(std::memory_order_relaxed),
               .late = late_.load(std::memory_order_relaxed)};
  switch (word.state) {
    case CircuitState::closed: out.consecutive_failures = word.payload; break;
    case CircuitState::open: out.next_probe = word.opens_at(); break;
    case CircuitState::half_open:
      out.probes_in_flight = word.in_flight();
      out.probe_successes = word.successes();
      break;
  }
  return out;
}

void CircuitBreaker::Permit::succeed(Instant now) noexcept {
  if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->succeeded(generation_, now);
}

void CircuitBreaker::Permit::fail(Instant now) noexcept {
  if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->failed(generation_, now);
}

void CircuitBreaker::Permit::abandon() noexcept {
  if (auto* breaker = std::exchange(breaker_, nullptr)) breaker->abandoned(generation_);
}

void CircuitBreaker::Permit::report(Condition condition, Instant now) noexcept {
  if (condition == Condition::cancelled) return abandon();
  if (is_outage(condition)) return fail(now);
  succeed(now);
}

}  // namespace sinew::resilience
