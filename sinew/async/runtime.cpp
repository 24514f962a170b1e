#include "sinew/async/runtime.hpp"

namespace sinew::async {

Uuid Runtime::new_id() {
  const std::uint64_t high = random();
  const std::uint64_t low = random();
  return ids_.next(wall_now(), high, low);
}

}  // namespace sinew::async
