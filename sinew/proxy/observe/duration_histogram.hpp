#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sinew/base/instant.hpp"

namespace sinew::proxy {

// A count that one thread writes and any thread reads: no step of it is locked.
class OwnCount {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// The inclusive upper ends of the buckets, 100 µs to 60 s; a last one without end is implied.
inline constexpr std::array<Duration, 15> kDurationBounds = {
    std::chrono::microseconds(100),   std::chrono::microseconds(250),
    std::chrono::microseconds(500),   std::chrono::milliseconds(1),
    std::chrono::microseconds(2'500), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),    std::chrono::milliseconds(25),
    std::chrono::milliseconds(50),    std::chrono::milliseconds(100),
    std::chrono::milliseconds(250),   std::chrono::milliseconds(500),
    std::chrono::seconds(1),          std::chrono::seconds(10),
    std::chrono::seconds(60)};
inline constexpr std::size_t kDurationBuckets = kDurationBounds.size() + 1;

// How long things took. One thread writes it.
class DurationHistogram {
 public:
  void observe(Duration duration) noexcept {
    std::size_t bucket = 0;
    while (bucket < kDurationBounds.size() && duration > kDurationBounds[bucket])
      ++bucket;
    buckets_[bucket].add();
    nanoseconds_.add(static_cast<std::uint64_t>(duration.count()));
  }

  void add(const DurationHistogram& other) noexcept {
    for (std::size_t i = 0; i < kDurationBuckets; ++i)
      buckets_[i].add(other.in_bucket(i));
    nanoseconds_.add(other.nanoseconds());
  }

  // Of this bucket alone, not cumulative.
  std::uint64_t in_bucket(std::size_t bucket) const noexcept { return buckets_[bucket].value(); }
  std::uint64_t nanoseconds() const noexcept { return nanoseconds_.value(); }

 private:
  std::array<OwnCount, kDurationBuckets> buckets_;
  OwnCount nanoseconds_;
};

}  // namespace sinew::proxy
