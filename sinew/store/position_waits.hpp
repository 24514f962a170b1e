#pragma once

#include <cstddef>
#include <map>

#include "sinew/async/channel.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/checkpoint.hpp"

namespace sinew::store {

// Those who wait until something that moves forward has come to a position, such as a view. Each is
// woken when its own position is reached, not at every step before. Lives on one worker; outlives
// those who wait.
class PositionWaits {
 public:
  // As many as a context's HTTP server has connections, see http::ServerOptions.
  static constexpr std::size_t capacity = 1024;

  // Returns once reached() is told this position or a later one, or interrupt() is called: look
  // again which. Errors: exhausted (`capacity` wait), timeout, cancelled.
  Task<void> wait(Checkpoint position);

  // Wakes whoever waits for `position` or an earlier one.
  void reached(const Checkpoint& position) noexcept;
  // Wakes everybody: it does not move for now.
  void interrupt() noexcept;

  std::size_t size() const noexcept { return waits_.size(); }

 private:
  using Waits = std::multimap<Checkpoint, async::Event>;
  class Entry;

  Waits waits_;
};

}  // namespace sinew::store
