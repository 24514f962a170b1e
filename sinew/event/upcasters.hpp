#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/json.hpp"

namespace sinew::event {

inline constexpr std::string_view json_content_type = "application/json";
inline constexpr std::string_view protobuf_content_type = "application/protobuf";

// The name and the schema version of an event or a command: a static member of its struct. The name
// is published language and carries no version.
struct EventType {
  std::string_view name;
  std::int32_t version = 1;                           // from 1
  std::string_view content_type = json_content_type;  // in which it is written; see Codecs
};

// How data of older schema versions becomes data of the newest: steps from n to n+1 on the JSON
// object, before it becomes a struct. Filled at registration, then immutable.
class Upcasters {
 public:
  // Pure: the same object gives the same result, always.
  using Step = JsonObject (*)(JsonObject);

  // Adds the step from `from` to `from + 1`. The steps of a type are added in order, without a gap;
  // data older than the first one is no longer read. Throws Error invalid_input.
  Upcasters& add(std::string_view type, std::int32_t from, Step step);

  // Adds all steps of `other`. Throws Error invalid_input when both have steps of one type.
  Upcasters& include(const Upcasters& other);

  // Throws Error invalid_input when the steps of the type do not end at its version: a reader that
  // could not read what was written yesterday must not start.
  void check(const EventType& type) const;

  // Whether lift() has every step from `from` to `to`.
  bool reach(std::string_view type, std::int32_t from, std::int32_t to) const;

  // `data` of version `from` as of version `to`. Throws Error unsupported when a step is missing,
  // or when `from` is newer than `to`: the message waits for a newer reader.
  JsonObject lift(std::string_view type, std::int32_t from, std::int32_t to, JsonObject data) const;

 private:
  struct Chain {
    std::int32_t oldest = 1;
    std::vector<Step> steps;
    std::int32_t newest() const { return oldest + static_cast<std::int32_t>(steps.size()); }
  };
  std::map<std::string, Chain, std::less<>> chains_;
};

}  // namespace sinew::event
