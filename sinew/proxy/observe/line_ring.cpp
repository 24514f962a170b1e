#include "sinew/proxy/observe/line_ring.hpp"

#include <algorithm>
#include <cstring>

namespace sinew::proxy {
namespace {

// A count of one's own thread's: no other one writes it.
void add_one(std::atomic<std::uint64_t>& count) noexcept {
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

LineRing::LineRing(std::size_t bytes)
    : mask_(bytes - 1), bytes_(std::make_unique_for_overwrite<char[]>(bytes)) {}

bool LineRing::push(std::string_view line) noexcept {
  const std::uint64_t end = end_.load(std::memory_order_relaxed);
  const std::size_t capacity = mask_ + 1;
  if (line.size() > capacity - (end - begin_seen_)) {
    begin_seen_ = begin_.load(std::memory_order_acquire);
    if (line.size() > capacity - (end - begin_seen_)) {
      add_one(dropped_);
      return false;
    }
  }
  const std::size_t at = end & mask_;
  const std::size_t first = std::min(line.size(), capacity - at);
  std::memcpy(bytes_.get() + at, line.data(), first);
  std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
  end_.store(end + line.size(), std::memory_order_release);
  add_one(pushed_);
  return true;
}

bool LineRing::crowded() const noexcept {
  const std::uint64_t end = end_.load(std::memory_order_relaxed);
  return end - begin_.load(std::memory_order_relaxed) > (mask_ + 1) / 2;
}

std::size_t LineRing::size() const noexcept {
  return end_.load(std::memory_order_acquire) - begin_.load(std::memory_order_relaxed);
}

std::size_t LineRing::take(std::span<char> out) noexcept {
  const std::uint64_t begin = begin_.load(std::memory_order_relaxed);
  const std::uint64_t there = end_.load(std::memory_order_acquire) - begin;
  std::size_t size = std::min<std::uint64_t>(there, out.size());
  copy_out(begin, out.first(size));
  if (size < there) {
    const std::size_t last = std::string_view(out.data(), size).rfind('\n');
    if (last != std::string_view::npos) size = last + 1;
  }
  begin_.store(begin + size, std::memory_order_release);
  return size;
}

void LineRing::copy_out(std::uint64_t from, std::span<char> out) const noexcept {
  const std::size_t at = from & mask_;
  const std::size_t first = std::min(out.size(), mask_ + 1 - at);
  std::memcpy(out.data(), bytes_.get() + at, first);
  std::memcpy(out.data() + first, bytes_.get(), out.size() - first);
}

}  // namespace sinew::proxy
