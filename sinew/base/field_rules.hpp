#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <variant>

#include "sinew/base/decimal.hpp"

// The constraints of a struct's members, declared once beside it and used by everything that reads,
// checks or documents it:
//
//   struct OrderLine { std::string sku; int quantity; };
//   BOOST_DESCRIBE_STRUCT(OrderLine, (), (sku, quantity))
//   constexpr auto constraints(const OrderLine*) {
//     return sinew::constraints(
//         sinew::field(&OrderLine::sku, sinew::length(1, 40), sinew::pattern("^[A-Z0-9-]+$")),
//         sinew::field(&OrderLine::quantity, sinew::at_least(1), "units ordered"));
//   }
//
// The function stands in the struct's own namespace. Members it does not name are unconstrained.
// Bounds and string rules given to a list, a map or an optional hold for what is in it.
namespace sinew {

using Bound = std::variant<std::int64_t, double, Decimal>;

struct FieldRules {
  std::optional<Bound> minimum{};  // inclusive; of numbers, decimals and the amount of Money
  std::optional<Bound> maximum{};
  std::optional<std::size_t> min_length{};  // of strings, in characters (code points)
  std::optional<std::size_t> max_length{};
  std::optional<std::size_t> min_items{};  // of lists and maps
  std::optional<std::size_t> max_items{};
  std::string_view pattern{};  // of strings: a regular expression (ECMAScript) found in the value
  std::string_view name{};     // in JSON, where the member's own name will not do
  std::string_view text{};     // what the member means, for people
  bool may_be_absent = false;  // then it keeps its struct's initial value
};

namespace detail {

template <class T>
constexpr Bound to_bound(T value) {
  if constexpr (std::integral<T>) {
    return static_cast<std::int64_t>(value);
  } else {
    return value;
  }
}

template <class T>
constexpr void replace(T& target, const T& value) {
  if (value != T()) target = value;
}

constexpr FieldRules as_rules(const FieldRules& rules) { return rules; }
constexpr FieldRules as_rules(const char* text) { return {.text = text}; }

// What `more` sets replaces what `rules` has.
constexpr void merge(FieldRules& rules, const FieldRules& more) {
  replace(rules.minimum, more.minimum);
  replace(rules.maximum, more.maximum);
  replace(rules.min_length, more.min_length);
  replace(rules.max_length, more.max_length);
  replace(rules.min_items, more.min_items);
  replace(rules.max_items, more.max_items);
  replace(rules.pattern, more.pattern);
  replace(rules.name, more.name);
  replace(rules.text, more.text);
  replace(rules.may_be_absent, more.may_be_absent);
}

}  // namespace detail

template <class T>
constexpr FieldRules at_least(T minimum) {
  return {.minimum = detail::to_bound(minimum)};
}
template <class T>
constexpr FieldRules at_most(T maximum) {
  return {.maximum = detail::to_bound(maximum)};
}
template <class T>
constexpr FieldRules between(T minimum, T maximum) {
  return {.minimum = detail::to_bound(minimum), .maximum = detail::to_bound(maximum)};
}
constexpr FieldRules length(std::size_t minimum, std::size_t maximum) {
  return {.min_length = minimum, .max_length = maximum};
}
constexpr FieldRules items(std::size_t minimum, std::size_t maximum) {
  return {.min_items = minimum, .max_items = maximum};
}
constexpr FieldRules pattern(const char* expression) { return {.pattern = expression}; }
constexpr FieldRules named(const char* name) { return {.name = name}; }
constexpr FieldRules defaulted() { return {.may_be_absent = true}; }

template <class Struct, class Member>
struct Field {
  Member Struct::* member;
  FieldRules rules;
};

// The rules of one member; a plain text among them says what the member means.
template <class Struct, class Member, class... Rules>
constexpr Field<Struct, Member> field(Member Struct::* member, const Rules&... rules) {
  Field<Struct, Member> field{member, {}};
  (detail::merge(field.rules, detail::as_rules(rules)), ...);
  return field;
}

template <class... Structs, class... Members>
constexpr auto constraints(const Field<Structs, Members>&... fields) {
  return std::tuple(fields...);
}

namespace detail {

template <class Struct, class Member, class Pointer>
constexpr void pick(const Field<Struct, Member>& field, Pointer wanted, FieldRules& found) {
  if constexpr (std::same_as<Member Struct::*, Pointer>) {
    if (field.member == wanted) found = field.rules;
  }
}

template <class T, class Pointer>
constexpr FieldRules find_rules(Pointer member) {
  FieldRules found;
  if constexpr (requires { constraints(static_cast<const T*>(nullptr)); }) {
    std::apply([&](const auto&... fields) { (pick(fields, member, found), ...); },
               constraints(static_cast<const T*>(nullptr)));
  }
  return found;
}

}  // namespace detail

// The rules of the member of T behind a Boost.Describe descriptor.
template <class T, class Descriptor>
inline constexpr FieldRules rules_of = detail::find_rules<T>(Descriptor::pointer);

}  // namespace sinew
