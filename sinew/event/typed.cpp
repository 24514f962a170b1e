#include "sinew/event/typed.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::event {

JsonObject lift_data(const EventType& wanted, std::string_view type, std::int32_t version,
                     const SharedBytes& data, const Upcasters& upcasters) {
  return lift_data(wanted, type, version,
                   json_only().decode(json_content_type, type, version, data), upcasters);
}

JsonObject lift_data(const EventType& wanted, std::string_view type, std::int32_t version,
                     JsonObject data, const Upcasters& upcasters) {
  if (type != wanted.name) {
    throw Error(Condition::invalid_input,
                fmt::format("a message of type {} is not a {}", type, wanted.name));
  }
  return upcasters.lift(type, version, wanted.version, std::move(data));
}

}  // namespace sinew::event
