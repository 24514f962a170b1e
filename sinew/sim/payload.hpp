#pragma once

#include <cstdint>
#include <initializer_list>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/event/typed.hpp"

namespace sinew::sim {

// What an event, a command or a reply says, without its envelope. Any typed struct is one; an event
// of an old version is given by its type, version and JSON.
struct Payload {
  template <event::Typed E>
  Payload(const E& event)  // NOLINT(google-explicit-constructor): tests read as sentences
      : type(E::type.name), version(E::type.version), data(to_json(event)) {}
  Payload(std::string type_, std::int32_t version_, Json data_)
      : type(std::move(type_)), version(version_), data(std::move(data_)) {}
  // Errors: those of Codecs::decode.
  explicit Payload(const event::Envelope& envelope,
                   const event::Codecs& codecs = event::json_only());

  friend bool operator==(const Payload&, const Payload&) = default;

  std::string type;
  std::int32_t version = 1;
  Json data;
};

// None, one, or several in braces: then(Shipped{}), then({Confirmed{}, Shipped{}}).
class Payloads {
 public:
  Payloads() = default;
  template <event::Typed E>
  Payloads(const E& event) : all_{Payload(event)} {}                    // NOLINT
  Payloads(Payload one) : all_{std::move(one)} {}                       // NOLINT
  Payloads(std::initializer_list<Payload> several) : all_(several) {}   // NOLINT
  Payloads(std::vector<Payload> several) : all_(std::move(several)) {}  // NOLINT
  const std::vector<Payload>& all() const noexcept { return all_; }

 private:
  std::vector<Payload> all_;
};

// One line, such as `order.shipped v1 {"shipped_date":"1996-07-16"}`.
std::string to_text(const Payload& payload);

// Where two values differ, a line each: `lines[0].quantity: expected 12, found 13`. Empty: nowhere.
// Ends with `... and 3 more` after the tenth.
std::vector<std::string> differences(const Json& expected, const Json& found);

// Throws Failure unless they are equal, in this order. `what` names one of them: event, command.
void expect_equal(std::string_view what, const std::vector<Payload>& expected,
                  const std::vector<Payload>& found, const std::source_location& where);
// The same for two values.
void expect_equal(std::string_view what, const Json& expected, const Json& found,
                  const std::source_location& where);

}  // namespace sinew::sim
