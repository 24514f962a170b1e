#include "sinew/proxy/cluster/ejection_word.hpp"

#include <algorithm>

namespace sinew::proxy {

template <class F>
std::optional<EjectionWord::Bits> EjectionWord::move(F next) noexcept {
  auto bits = load();
  while (true) {
    const std::optional<Bits> wanted = next(bits);
    if (!wanted) return std::nullopt;
    if (bits_.compare_exchange_weak(bits, *wanted, std::memory_order_relaxed)) return bits;
  }
}

bool EjectionWord::eject(Instant now, std::uint32_t max_multiplier) noexcept {
  const auto since =
      std::chrono::ceil<std::chrono::milliseconds>(std::max(now, Instant()).time_since_epoch());
  const auto limit = std::min<Bits>(max_multiplier, kMultiplierMask);
  return move([&](Bits bits) -> std::optional<Bits> {
           if ((bits & (kEjected | kRemoved)) != 0) return std::nullopt;
           const Bits multiplier = std::min<Bits>(multiplier_of(bits) + Bits{1}, limit);
           return kEjected | multiplier << kTimeBits |
                  (static_cast<Bits>(since.count()) & kTimeMask);
         })
      .has_value();
}

bool EjectionWord::readmit() noexcept {
  return move([](Bits bits) -> std::optional<Bits> {
           if ((bits & kEjected) == 0) return std::nullopt;
           return bits & (kMultiplierMask << kTimeBits | kRemoved);
         })
      .has_value();
}

void EjectionWord::calm() noexcept {
  move([](Bits bits) -> std::optional<Bits> {
    if ((bits & kEjected) != 0 || multiplier_of(bits) == 0) return std::nullopt;
    return bits - (Bits{1} << kTimeBits);
  });
}

bool EjectionWord::remove() noexcept {
  const auto before = move([](Bits) -> std::optional<Bits> { return kRemoved; });
  return (*before & kEjected) != 0;
}

}  // namespace sinew::proxy
