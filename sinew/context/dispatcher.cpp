#include "sinew/context/dispatcher.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::context {

void Dispatcher::add(std::string_view type, Function function) {
  Entry entry{std::move(function), async::lasting_name(type)};
  if (!functions_.emplace(type, std::move(entry)).second) {
    throw Error(Condition::conflict, fmt::format("{} is handled twice in one context", type));
  }
}

Task<void> Dispatcher::handle(messaging::Handling& handling) {
  const std::string& type = handling.message().type;
  const auto found = functions_.find(type);
  if (found != functions_.end()) {
    return async::with_name(found->second.name, found->second.function(handling));
  }
  if (unknown_ == Unknown::refuse) {
    throw Error(Condition::unsupported, fmt::format("no handler for {}", type));
  }
  return [](messaging::Handling& unneeded) -> Task<void> {
    co_await unneeded.commit([](store::Transaction&) -> Task<void> { co_return; });
  }(handling);
}

}  // namespace sinew::context
