#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/base/uuid.hpp"

namespace sinew {

// An identifier of one kind of thing: an OrderId is not a CustomerId though both are text.
//
//   using OrderId = sinew::TypedId<struct OrderTag>;                  // text, chosen by someone
//   else using PaymentId = sinew::TypedId<struct PaymentTag, sinew::Uuid>; // ours
//
// In JSON it is a string. Default-constructed it is empty (nil): no valid id.
template <class Tag, class Value = std::string>
class TypedId {
 public:
  using value_type = Value;

  TypedId() = default;
  explicit TypedId(Value value) : value_(std::move(value)) {}

  // Throws Error invalid_input: text of 1 to max_id_length bytes, or a canonical UUID.
  static TypedId parse(std::string_view text);

  const Value& value() const noexcept { return value_; }
  bool empty() const noexcept { return value_ == Value(); }

  friend auto operator<=>(const TypedId&, const TypedId&) = default;

 private:
  Value value_{};
};

// Enough for every id met in practice, and a bound for the indexes that hold them.
inline constexpr std::size_t max_id_length = 200;

namespace detail {
void check_id_text(std::string_view text);
}

template <class Tag, class Value>
TypedId<Tag, Value> TypedId<Tag, Value>::parse(std::string_view text) {
  if constexpr (std::same_as<Value, Uuid>) {
    return TypedId(Uuid::parse(text));
  } else {
    detail::check_id_text(text);
    return TypedId(Value(text));
  }
}

template <class Tag>
const std::string& to_string(const TypedId<Tag, std::string>& id) noexcept {
  return id.value();
}
template <class Tag>
std::string to_string(const TypedId<Tag, Uuid>& id) {
  return to_string(id.value());
}

}  // namespace sinew

template <class Tag, class Value>
struct std::hash<sinew::TypedId<Tag, Value>> {
  std::size_t operator()(const sinew::TypedId<Tag, Value>& id) const noexcept {
    return std::hash<Value>()(id.value());
  }
};
