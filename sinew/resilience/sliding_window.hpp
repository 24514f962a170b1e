#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sinew/base/instant.hpp"

namespace sinew::resilience {

// Counts two kinds of things over the last `length` of time, to a tenth of it. Shared by threads
// without locks: a bucket is one relaxed atomic word, its stamp (which tenth it counts) beside its
// two counts, so that a bucket is taken over and counted into in one step. Threads may be late by
// up to `length` and are counted where time is by then.
class SlidingWindow {
 public:
  static constexpr std::size_t kBuckets = 10;
  // A bucket's capacity for each kind. A full one takes neither, so their ratio stays true.
  static constexpr std::uint64_t kMaxCount = (1U << 20U) - 4'096;

  struct Counts {
    std::uint64_t plain = 0;
    std::uint64_t marked = 0;
    std::uint64_t total() const noexcept { return plain + marked; }
  };

  // `length` is at least kBuckets nanoseconds.
  explicit SlidingWindow(Duration length) noexcept : bucket_length_(length / kBuckets) {}

  void add(Instant now) noexcept { count(now, kOnePlain); }
  void add_marked(Instant now) noexcept { count(now, kOneMarked); }
  Counts counts(Instant now) const noexcept;
  void clear() noexcept;

 private:
  // From the top: 24 bits of stamp, 20 of marked, 20 of plain. A stamp comes again after 16.7
  // million buckets; one that stood untouched for exactly so long would be counted once more.
  using Word = std::uint64_t;
  static constexpr unsigned kCountBits = 20;
  static constexpr Word kCountMask = (Word{1} << kCountBits) - 1;
  static constexpr Word kStampMask = (Word{1} << 24U) - 1;
  static constexpr Word kOnePlain = 1;
  static constexpr Word kOneMarked = Word{1} << kCountBits;

  static Word stamp(Word word) noexcept { return word >> (2 * kCountBits); }
  static Word marked(Word word) noexcept { return (word >> kCountBits) & kCountMask; }
  static Word plain(Word word) noexcept { return word & kCountMask; }

  Word bucket_at(Instant now) const noexcept;
  void count(Instant now, Word one) noexcept;

  Duration bucket_length_;
  std::array<std::atomic<Word>, kBuckets> buckets_ = {};
};

}  // namespace sinew::resilience
