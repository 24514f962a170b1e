#include "sinew/context/naming.hpp"

namespace sinew::context {

using store::Destination;
using store::DestinationKind;

std::string_view owner_of(std::string_view type) { return type.substr(0, type.find('.')); }

Destination events_of(std::string_view context) {
  return {DestinationKind::topic, std::string(context) + ".events"};
}

Destination commands_of(std::string_view context) {
  return {DestinationKind::queue, std::string(context) + ".commands"};
}

Destination replies_of(std::string_view context) {
  return {DestinationKind::queue, std::string(context) + ".replies"};
}

Destination answers_of(std::string_view context) {
  return {DestinationKind::queue, std::string(context) + ".waiting"};
}

std::string consumer_of(std::string_view context, const store::Destination& source) {
  return std::string(context) + "/" + source.name;
}

std::string source_of(std::string_view context) { return "/" + std::string(context); }

}  // namespace sinew::context
