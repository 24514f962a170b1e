#include "sinew/proxy/cluster/weighted_schedule.hpp"

#include <algorithm>
#include <limits>

#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

// Rounds wrap around, and do so soon after the start, where every test sees it.
constexpr std::uint64_t kFirstRound = 0xffff'ff00;

}  // namespace

// Turns lie less than two rounds apart, so the sign of the difference decides.
bool WeightedSchedule::before(const Turn& a, const Turn& b) noexcept {
  const auto apart = static_cast<std::int64_t>(a.at - b.at);
  return apart < 0 || (apart == 0 && a.place < b.place);
}

void WeightedSchedule::add(std::uint32_t place, std::uint16_t weight, std::uint64_t phase) {
  const auto step = static_cast<std::uint32_t>(std::min<std::uint64_t>(
      (std::uint64_t{1} << 32U) / weight, std::numeric_limits<std::uint32_t>::max()));
  const auto first = static_cast<std::uint32_t>(below(step, phase));
  const std::uint64_t round = heap_.empty() ? kFirstRound : heap_.front().at >> 32U;
  heap_.push_back({round << 32U | first, first, step, place, weight, 0});
  std::ranges::push_heap(heap_, [](const Turn& a, const Turn& b) { return before(b, a); });
}

std::uint32_t WeightedSchedule::next() noexcept {
  auto& top = heap_.front();
  const auto place = top.place;
  if (++top.taken < top.weight) {
    top.at += top.step;
  } else {
    top.taken = 0;
    top.at = ((top.at >> 32U) + 1) << 32U | top.phase;
  }
  sink_top();
  return place;
}

void WeightedSchedule::sink_top() noexcept {
  const auto top = heap_.front();
  const auto size = heap_.size();
  std::size_t hole = 0;
  while (true) {
    std::size_t child = 2 * hole + 1;
    if (child >= size) break;
    if (child + 1 < size && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], top)) break;
    heap_[hole] = heap_[child];
    hole = child;
  }
  heap_[hole] = top;
}

}  // namespace sinew::proxy
