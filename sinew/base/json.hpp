#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sinew {

class Json;
struct JsonMember;
using JsonArray = std::vector<Json>;

// The members of an object in the order of the text, each name once.
class JsonObject {
 public:
  JsonObject() noexcept;
  // Of two members with one name the later wins.
  JsonObject(std::initializer_list<JsonMember> members);
  JsonObject(const JsonObject&);
  JsonObject(JsonObject&&) noexcept;
  JsonObject& operator=(const JsonObject&);
  JsonObject& operator=(JsonObject&&) noexcept;
  ~JsonObject();

  bool empty() const noexcept { return members_.empty(); }
  std::size_t size() const noexcept;
  std::span<const JsonMember> members() const noexcept;

  // The member's value, or nullptr. Looks through all members.
  const Json* find(std::string_view name) const noexcept;
  Json* find(std::string_view name) noexcept;

  // Replaces the member of that name, or appends one.
  JsonObject& set(std::string_view name, Json value);

  // Appends without looking whether the name is there: for writers that know it is not.
  void append(std::string_view name, Json value);

  // False when there is no such member.
  bool erase(std::string_view name) noexcept;

 private:
  std::vector<JsonMember> members_;
};

// As in the order of Json's alternatives.
enum class JsonKind { null, boolean, integer, number, string, array, object };

// A JSON value (RFC 8259). Whole numbers of 64 bits stay exact (`integer`); all others are doubles
// (`number`), and never infinite. Equality ignores the order of an object's members.
class Json {
 public:
  Json() noexcept = default;
  Json(std::nullptr_t) noexcept {}
  template <std::same_as<bool> B>
  Json(B value) noexcept : value_(value) {}
  // Throws Error invalid_input beyond the range of std::int64_t.
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Json(I value) : value_(checked(value)) {}
  // Throws Error invalid_input for what JSON cannot write: infinities and NaN.
  Json(double value);
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) noexcept : value_(std::move(value)) {}
  Json(JsonArray value) noexcept : value_(std::move(value)) {}
  Json(JsonObject value) noexcept : value_(std::move(value)) {}

  JsonKind kind() const noexcept { return static_cast<JsonKind>(value_.index()); }
  bool is_null() const noexcept { return kind() == JsonKind::null; }
  bool is_string() const noexcept { return kind() == JsonKind::string; }
  bool is_array() const noexcept { return kind() == JsonKind::array; }
  bool is_object() const noexcept { return kind() == JsonKind::object; }

  // The value as that kind; throws Error invalid_input, saying what it is instead. as_number takes
  // an integer too.
  bool as_bool() const;
  std::int64_t as_integer() const;
  double as_number() const;
  const std::string& as_string() const;
  const JsonArray& as_array() const;
  JsonArray& as_array();
  const JsonObject& as_object() const;
  JsonObject& as_object();

  // The member of an object; find gives nullptr without it, or when this is no object; at throws
  // Error invalid_input.
  const Json* find(std::string_view name) const noexcept;
  const Json& at(std::string_view name) const;

  friend bool operator==(const Json& a, const Json& b) noexcept;

 private:
  template <class I>
  static std::int64_t checked(I value) {
    if constexpr (std::unsigned_integral<I> && sizeof(I) >= sizeof(std::int64_t)) {
      if (value > static_cast<I>(std::numeric_limits<std::int64_t>::max())) refuse_integer();
    }
    return static_cast<std::int64_t>(value);
  }
  [[noreturn]] static void refuse_integer();

  std::variant<std::monostate, bool, std::int64_t, double, std::string, JsonArray, JsonObject>
      value_;
};

struct JsonMember {
  std::string name;
  Json value;

  friend bool operator==(const JsonMember&, const JsonMember&) noexcept = default;
};

bool operator==(const JsonObject& a, const JsonObject& b) noexcept;

// The value in a few words, for messages: scalars as text, cut at 40 characters; `a list`,
// `an object`.
std::string brief(const Json& value);

// Text without white space. Always valid JSON: bytes of a string that are not UTF-8 come out as
// U+FFFD.
std::string to_text(const Json& value);

// The same over lines, two spaces a level, ending in a newline: for files and people.
std::string to_pretty_text(const Json& value);

// What parse_json takes from a peer before it refuses. A parsed value takes up to 40 bytes of
// memory a byte of text.
struct JsonLimits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_depth = 32;
};

// Reads one JSON text, strictly: UTF-8 without byte order mark, no comments, no trailing commas, no
// duplicate names, nothing after the value. An integer beyond 64 bits becomes a double.
// Throws Error invalid_input: `line 3, column 7: ...`, the column in characters.
Json parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace sinew
