#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "sinew/base/instant.hpp"

namespace sinew::proxy {

// Whether an endpoint is ejected, since when and for the how many-th time: one atomic word, so each
// transition is one step that exactly one of several threads makes. What decides is the
// OutlierDetector; what an endpoint's removal does is the EndpointRegistry's.
class EjectionWord {
 public:
  bool ejected() const noexcept { return (load() & kEjected) != 0; }
  // base_ejection is multiplied by this: it grows with each ejection, and shrinks with time.
  std::uint32_t multiplier() const noexcept { return multiplier_of(load()); }
  // Of one that is ejected, to the millisecond, rounded up.
  Instant since() const noexcept { return since_of(load()); }

  // False: it was ejected before, or its endpoint has been removed. The multiplier grows by one, to
  // at most `max_multiplier`.
  bool eject(Instant now, std::uint32_t max_multiplier) noexcept;
  // False: it was not ejected.
  bool readmit() noexcept;
  // The multiplier of one that is not ejected, less one.
  void calm() noexcept;
  // The endpoint leaves the set and is never ejected again. True: it was ejected.
  bool remove() noexcept;

 private:
  // From the top: removed, ejected, 14 bits of multiplier, 48 of milliseconds (8,900 years).
  using Bits = std::uint64_t;
  static constexpr unsigned kTimeBits = 48;
  static constexpr unsigned kMultiplierBits = 14;
  static constexpr Bits kTimeMask = (Bits{1} << kTimeBits) - 1;
  static constexpr Bits kMultiplierMask = (Bits{1} << kMultiplierBits) - 1;
  static constexpr Bits kEjected = Bits{1} << 62U;
  static constexpr Bits kRemoved = Bits{1} << 63U;

  static std::uint32_t multiplier_of(Bits bits) noexcept {
    return static_cast<std::uint32_t>((bits >> kTimeBits) & kMultiplierMask);
  }
  static Instant since_of(Bits bits) noexcept {
    return Instant(std::chrono::milliseconds(bits & kTimeMask));
  }
  Bits load() const noexcept { return bits_.load(std::memory_order_relaxed); }
  // Replaces the word by what `next` makes of it; nothing: it stays.
  template <class F>
  std::optional<Bits> move(F next) noexcept;

  std::atomic<Bits> bits_ = 0;
};

// Failures in a row, by kind. Relaxed counters of which each thread counts its own step; a success
// that one thread sees between the failures of others may come a step early or late.
class ConsecutiveFailures {
 public:
  enum class Kind : std::uint8_t { server_error, gateway_error, local_origin };

  // Returns the number in a row, this one included.
  std::uint32_t add(Kind kind) noexcept {
    return of(kind).fetch_add(1, std::memory_order_relaxed) + 1;
  }
  // Writes only where there is something to clear: successes are frequent.
  void clear(Kind kind) noexcept {
    if (of(kind).load(std::memory_order_relaxed) != 0) of(kind).store(0, std::memory_order_relaxed);
  }
  void clear() noexcept {
    clear(Kind::server_error);
    clear(Kind::gateway_error);
    clear(Kind::local_origin);
  }

 private:
  std::atomic<std::uint32_t>& of(Kind kind) noexcept {
    return counts_[static_cast<unsigned>(kind)];
  }

  std::atomic<std::uint32_t> counts_[3] = {};
};

}  // namespace sinew::proxy
