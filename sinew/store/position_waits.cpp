#include "sinew/store/position_waits.hpp"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::store {

// In the list for as long as its task waits.
class PositionWaits::Entry {
 public:
  Entry(Waits& waits, const Checkpoint& position)
      : waits_(waits),
        place_(waits.emplace(std::piecewise_construct, std::tuple(position), std::tuple())) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry() { waits_.erase(place_); }

  Task<void> woken() { return place_->second.wait(); }

 private:
  Waits& waits_;
  Waits::iterator place_;
};

Task<void> PositionWaits::wait(Checkpoint position) {
  if (waits_.size() >= capacity) {
    throw Error(
        Condition::exhausted,
        fmt::format("{} wait for a position already, the limit: ask again later", waits_.size()));
  }
  Entry entry(waits_, position);
  co_await entry.woken();
}

void PositionWaits::reached(const Checkpoint& position) noexcept {
  for (auto wait = waits_.begin(); wait != waits_.end() && wait->first <= position; ++wait)
    wait->second.set();
}

void PositionWaits::interrupt() noexcept {
  for (auto& [position, woken] : waits_)
    woken.set();
}

}  // namespace sinew::store
