#include "sinew/event/typed.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::event {

JsonObject lift_data(const EventType& wanted, std::string_view type, std::int32_t version,
                     const SharedBytes& data, const Upcasters& upcasters) {
  if (type != wanted.name) {
    throw Error(Condition::invalid_input,
                fmt::format("a message of type {} is not a {}", type, wanted.name));
  }
  Json json = parse_json(data.view());
  if (!json.is_object()) {
    throw Error(Condition::invalid_input,
                fmt::format("the data of a {} is {}, not an object", type, brief(json)));
  }
  return upcasters.lift(type, version, wanted.version, std::move(json.as_object()));
}

void check_json_content(const Envelope& envelope) {
  if (is_json(envelope.content_type)) return;
  throw Error(Condition::unsupported, fmt::format("a message of type {} has the content type {}, "
                                                  "only JSON becomes a struct",
                                                  envelope.type, envelope.content_type));
}

}  // namespace sinew::event
