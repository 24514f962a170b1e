#pragma once

#include <memory>
#include <unordered_map>

#include "sinew/async/poller.hpp"
#include "sinew/async/runtime.hpp"

namespace sinew::async {

// Foreign descriptors of a Reactor: owned by a vendor library, which may close one and open another
// under the same number at any time. One-shot and level-triggered, so nothing is reported that was
// not asked for.
class WatchTable {
 public:
  explicit WatchTable(Poller& poller) noexcept;
  ~WatchTable();

  // Errors: invalid_input when the descriptor is not open, exhausted.
  void watch(int descriptor, Interest interest, Wait& wait);
  void unwatch(int descriptor) noexcept;

 private:
  class Watch;

  Poller& poller_;
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
};

}  // namespace sinew::async
