#include "sinew/resilience/sliding_window.hpp"

#include <algorithm>

namespace sinew::resilience {

SlidingWindow::Word SlidingWindow::bucket_at(Instant now) const noexcept {
  return static_cast<Word>(std::max(now, Instant()).time_since_epoch() / bucket_length_);
}

void SlidingWindow::count(Instant now, Word one) noexcept {
  const Word number = bucket_at(now);
  auto& bucket = buckets_[number % kBuckets];
  const Word fresh = (number & kStampMask) << (2 * kCountBits) | one;
  Word word = bucket.load(std::memory_order_relaxed);
  // Two rounds do: only the first thread of a new tenth takes a bucket over, and whoever loses
  // against it finds the bucket current. A sample that loses twice is dropped.
  for (int round = 0; round < 2; ++round) {
    const Word ahead = (stamp(word) - number) & kStampMask;
    if (ahead <= kBuckets) {  // current, or this thread is late
      const bool room = plain(word) < kMaxCount && marked(word) < kMaxCount;
      if (room) bucket.fetch_add(one, std::memory_order_relaxed);
      return;
    }
    if (bucket.compare_exchange_strong(word, fresh, std::memory_order_relaxed)) return;
  }
}

SlidingWindow::Counts SlidingWindow::counts(Instant now) const noexcept {
  const Word number = bucket_at(now);
  Counts sum;
  for (const auto& bucket : buckets_) {
    const Word word = bucket.load(std::memory_order_relaxed);
    const Word age = (number - stamp(word)) & kStampMask;
    if (age >= kBuckets) continue;
    sum.plain += plain(word);
    sum.marked += marked(word);
  }
  return sum;
}

void SlidingWindow::clear() noexcept {
  for (auto& bucket : buckets_)
    bucket.store(0, std::memory_order_relaxed);
}

}  // namespace sinew::resilience
