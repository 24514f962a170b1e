#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/resilience/sliding_window.hpp"

namespace sinew::resilience {

struct CircuitBreakerSettings {
  int consecutive_failures = 5;  // that open; 0: not looked at
  int failure_percent = 50;      // of the calls in the window, that open; 0: not looked at
  int minimum_volume = 20;       // calls in the window before the percentage counts
  Duration window = std::chrono::seconds(10);
  Duration open_for = std::chrono::seconds(5);  // before the first probe
  int half_open_probes = 1;                     // at the same time
  int success_threshold = 2;                    // probes that succeed before it closes

  static void describe(config::Section<CircuitBreakerSettings>& section);
  std::vector<std::string> violations() const;
};

enum class CircuitState : std::uint8_t { closed, open, half_open };
std::string_view to_string(CircuitState state) noexcept;

// What an operator wants of a breaker, whatever it has seen.
enum class Forcing : std::uint8_t {
  automatic,  // nothing: it decides
  open,       // every call is refused
  closed,     // every call passes, and its result says nothing
};
std::string_view to_string(Forcing forcing) noexcept;

// Stops calling a target that fails, and finds out with a few probes when it works again.
// A call asks for a permit, and reports its result to the permit. Shared by any number of threads;
// no call takes a lock, allocates or throws. State, generation and its counters are one atomic
// word, so a transition is one step: no thread sees half of it, no probe too many starts. Each
// transition begins a new generation, and results of an older one are counted and ignored.
class CircuitBreaker {
 public:
  // Permission for one call, which must not outlive the breaker. One destroyed without a result
  // gives its place back and counts as nothing.
  class Permit {
   public:
    Permit(Permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)), generation_(other.generation_) {}
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    Permit& operator=(Permit&&) = delete;
    ~Permit() { abandon(); }

    // The first result counts, further ones do nothing.
    void succeed(Instant now) noexcept;
    void fail(Instant now) noexcept;
    void abandon() noexcept;
    // What an error says about the target: unavailable, exhausted, timeout and corrupt are its
    // failures, cancelled says nothing, all others are answers of a target that works.
    void report(Condition condition, Instant now) noexcept;

   private:
    friend CircuitBreaker;
    Permit(CircuitBreaker* breaker, std::uint64_t generation) noexcept
        : breaker_(breaker), generation_(generation) {}

    CircuitBreaker* breaker_;
    std::uint64_t generation_;
  };

  // Throws Error invalid_input listing every violation.
  explicit CircuitBreaker(const CircuitBreakerSettings& settings = {});
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  // Nothing: fail at once. The caller answers `unavailable`, applied no.
  std::optional<Permit> try_enter(Instant now) noexcept;

  // From now on; back to automatic it begins anew, closed and with nothing seen.
  void force(Forcing forcing) noexcept;

  struct Snapshot {
    CircuitState state;
    Forcing forcing;
    std::uint64_t generation;            // transitions so far, modulo 2^24
    std::uint64_t consecutive_failures;  // while closed
    std::uint64_t probes_in_flight;      // while half open
    std::uint64_t probe_successes;       // while half open
    std::optional<Instant> next_probe;   // while open
    SlidingWindow::Counts recent;        // successes plain, failures marked
    std::uint64_t opened;                // ever
    std::uint64_t refused;               // ever
    std::uint64_t late;                  // results ignored, ever
  };
  Snapshot snapshot(Instant now) const noexcept;

 private:
  struct Word;

  void succeeded(std::uint64_t generation, Instant now) noexcept;
  void failed(std::uint64_t generation, Instant now) noexcept;
  void abandoned(std::uint64_t generation) noexcept;
  bool too_many_failures(std::uint64_t consecutive, Instant now) const noexcept;
  Word opened_after(const Word& word, Instant now) const noexcept;
  Word load() const noexcept;
  bool replace(Word& expected, const Word& desired) noexcept;
  void ignore_late() noexcept { late_.fetch_add(1, std::memory_order_relaxed); }

  CircuitBreakerSettings settings_;
  std::atomic<std::uint64_t> word_ = 0;
  std::atomic<Forcing> forcing_ = Forcing::automatic;
  SlidingWindow recent_;
  std::atomic<std::uint64_t> opened_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> late_ = 0;
};

}  // namespace sinew::resilience
