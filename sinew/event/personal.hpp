#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>

#include "sinew/event/typed.hpp"

namespace sinew::event {

// Which members of an event are about a person, so that the log can forget them while the event
// stays. Paths lead from the event's root, with a `.` between the names:
//
//   struct OrderPlaced {
//     static constexpr event::EventType type{"order.placed", 1};
//     static constexpr auto personal =
//         event::personal("customer_id", "ship_to.name", "ship_to.street");
//     ...
//   };
template <std::size_t N>
struct PersonalMembers {
  std::string_view subject;  // where the event says whose they are: a text of 1 to 200 bytes
  std::array<std::string_view, N> members;
};

template <std::convertible_to<std::string_view>... Paths>
  requires(sizeof...(Paths) > 0)
consteval auto personal(std::string_view subject, Paths... members) {
  return PersonalMembers<sizeof...(Paths)>{subject, {std::string_view(members)...}};
}

template <class E>
concept Personal = Typed<E> && requires {
  E::personal.subject;
  E::personal.members;
};

}  // namespace sinew::event
