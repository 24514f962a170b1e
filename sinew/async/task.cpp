#include "sinew/async/task.hpp"

#include <mutex>
#include <set>
#include <string>

#include "sinew/async/runtime.hpp"

namespace sinew::async {

void throw_foreign_await() {
  throw Error(Condition::invalid_input,
              "a transaction's body awaited something other than its transaction; it may run more "
              "than once and must not wait for the world: do that before or after the transaction");
}

const char* lasting_name(std::string_view name) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> names;
  const std::lock_guard lock(mutex);
  return names.emplace(name).first->c_str();
}

void announce(const TaskContext& context) noexcept { context.runtime->working_on(context.name); }

}  // namespace sinew::async
