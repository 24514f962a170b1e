#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sinew/base/described.hpp"

namespace {

struct Line {
  std::string sku;
  int quantity = 0;
  std::optional<sinew::Money> price;
};
BOOST_DESCRIBE_STRUCT(Line, (), (sku, quantity, price))

struct Order {
  sinew::Uuid id;
  sinew::Timestamp at;
  std::vector<Line> lines;
  std::map<std::string, sinew::Decimal> discounts;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, at, lines, discounts))

void require(bool holds) {
  if (!holds) std::abort();
}

// What was read and written once reads back as the same value and writes as the same text.
void check_round_trip(const sinew::Json& value) {
  const std::string text = sinew::to_text(value);
  // Escapes may make the written text longer than the text that was read, up to six times.
  const sinew::JsonLimits limits{.max_bytes = 6 * sinew::JsonLimits().max_bytes};
  require(sinew::parse_json(text, limits) == value);
  require(sinew::parse_json(sinew::to_pretty_text(value), {.max_bytes = 1024 * 1024 * 1024}) ==
          value);
}

void check_struct(const sinew::Json& value) {
  try {
    const auto order = sinew::from_json<Order>(value, sinew::ReadMode::strict);
    const auto again = sinew::from_json<Order>(sinew::to_json(order), sinew::ReadMode::strict);
    require(sinew::to_json(again) == sinew::to_json(order));
  } catch (const sinew::DocumentError& error) {
    require(!error.errors().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto value = sinew::parse_json({reinterpret_cast<const char*>(data), size});
    check_round_trip(value);
    check_struct(value);
  } catch (const sinew::Error& error) {
    require(error.condition() == sinew::Condition::invalid_input);
  }
  return 0;
}
