#include "sinew/async/task.hpp"

namespace sinew::async {

void throw_foreign_await() {
  throw Error(Condition::invalid_input,
              "a transaction's body awaited something other than its transaction; it may run more "
              "than once and must not wait for the world: do that before or after the transaction");
}

}  // namespace sinew::async
