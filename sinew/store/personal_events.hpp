#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/described.hpp"
#include "sinew/event/personal.hpp"

namespace sinew::store {

// The types of events with personal members, as an event log must know them. The text of an event
// is kept in its erased form, in which each of these members is as in a new event, or absent when
// that has none; the true ones are sealed beside it, in the root member `$personal`.
class PersonalEvents {
 public:
  struct Member {
    std::string path;
    std::optional<Json> erased;  // what stands in its place; nothing: the member is left out
  };
  struct Declaration {
    std::string subject;
    std::vector<Member> members;
  };

  // Throws Error invalid_input that names every path which is no member of E, a subject that is no
  // text, and members that could not be read in their erased form: make those defaulted() or
  // optional.
  template <event::Personal E>
  PersonalEvents& add() {
    return add(E::type.name, E::personal.subject, E::personal.members, to_json(E{}),
               json_schema<E>(), errors_of_reading<E>());
  }

  // Null for a type without personal members.
  const Declaration* find(std::string_view type) const;
  bool empty() const noexcept { return types_.empty(); }

 private:
  // What reading a new event would complain about; only the personal members matter.
  template <class E>
  static std::vector<JsonError> errors_of_reading() {
    try {
      from_json<E>(to_json(E{}));
    } catch (const DocumentError& error) {
      return error.errors();
    }
    return {};
  }
  PersonalEvents& add(std::string_view type, std::string_view subject,
                      std::span<const std::string_view> members, const Json& fresh,
                      const Json& schema, const std::vector<JsonError>& unreadable);

  std::map<std::string, Declaration, std::less<>> types_;
};

// An event's text, taken apart.
struct PersonalParts {
  std::string subject;
  JsonObject personal;  // path to value of those members that were there; may be empty
  JsonObject rest;      // the event in its erased form
};

// Errors: invalid_input (no JSON object, no subject in it, a root member `$personal`).
PersonalParts take_apart(const PersonalEvents::Declaration& declaration, std::string_view type,
                         std::string_view data);

// Puts the members back where they were. Throws Error corrupt when there is no such place.
void put_back(JsonObject& event, const JsonObject& personal);

}  // namespace sinew::store
