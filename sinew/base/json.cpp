#include "sinew/base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sinew/base/error.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew {
namespace {

constexpr std::size_t brief_length = 40;

[[noreturn]] void refuse(std::string_view expected, const Json& got) {
  throw Error(Condition::invalid_input, fmt::format("expected {}, got {}", expected, brief(got)));
}

}  // namespace

JsonObject::JsonObject() noexcept = default;
JsonObject::JsonObject(const JsonObject&) = default;
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject& JsonObject::operator=(const JsonObject&) = default;
JsonObject& JsonObject::operator=(JsonObject&&) noexcept = default;
JsonObject::~JsonObject() = default;

JsonObject::JsonObject(std::initializer_list<JsonMember> members) {
  members_.reserve(members.size());
  for (const JsonMember& member : members)
    set(member.name, member.value);
}

std::size_t JsonObject::size() const noexcept { return members_.size(); }

std::span<const JsonMember> JsonObject::members() const noexcept { return members_; }

const Json* JsonObject::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(members_, name, &JsonMember::name);
  return found == members_.end() ? nullptr : &found->value;
}

Json* JsonObject::find(std::string_view name) noexcept {
  return const_cast<Json*>(std::as_const(*this).find(name));
}

JsonObject& JsonObject::set(std::string_view name, Json value) {
  if (Json* found = find(name)) {
    *found = std::move(value);
  } else {
    append(name, std::move(value));
  }
  return *this;
}

void JsonObject::append(std::string_view name, Json value) {
  members_.push_back({std::string(name), std::move(value)});
}

bool JsonObject::erase(std::string_view name) noexcept {
  return std::erase_if(members_, [&](const JsonMember& m) { return m.name == name; }) != 0;
}

bool operator==(const JsonObject& a, const JsonObject& b) noexcept {
  if (a.size() != b.size()) return false;
  return std::ranges::all_of(a.members(), [&](const JsonMember& member) {
    const Json* other = b.find(member.name);
    return other != nullptr && member.value == *other;
  });
}

Json::Json(double value) : value_(value) {
  if (std::isfinite(value)) return;
  throw Error(Condition::invalid_input,
              fmt::format("JSON cannot write the number {}: send null or a string", value));
}

void Json::refuse_integer() {
  throw Error(Condition::invalid_input,
              "an integer above 9223372036854775807 does not fit JSON's 64 bits: send a string");
}

bool Json::as_bool() const {
  if (const auto* value = std::get_if<bool>(&value_)) return *value;
  refuse("true or false", *this);
}

std::int64_t Json::as_integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
  refuse("an integer", *this);
}

double Json::as_number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  refuse("a number", *this);
}

const std::string& Json::as_string() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  refuse("a string", *this);
}

const JsonArray& Json::as_array() const {
  if (const auto* value = std::get_if<JsonArray>(&value_)) return *value;
  refuse("a list", *this);
}

JsonArray& Json::as_array() { return const_cast<JsonArray&>(std::as_const(*this).as_array()); }

const JsonObject& Json::as_object() const {
  if (const auto* value = std::get_if<JsonObject>(&value_)) return *value;
  refuse("an object", *this);
}

JsonObject& Json::as_object() { return const_cast<JsonObject&>(std::as_const(*this).as_object()); }

const Json* Json::find(std::string_view name) const noexcept {
  const auto* object = std::get_if<JsonObject>(&value_);
  return object == nullptr ? nullptr : object->find(name);
}

const Json& Json::at(std::string_view name) const {
  if (const Json* value = as_object().find(name)) return *value;
  throw Error(Condition::invalid_input,
              fmt::format("expected a member \"{}\", but it is missing", name));
}

bool operator==(const Json& a, const Json& b) noexcept { return a.value_ == b.value_; }

std::string brief(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (!value.is_string()) return to_text(value);
  const std::string_view text = value.as_string();
  const std::string_view start = first_characters(text, brief_length);
  return to_text(start) + (start.size() < text.size() ? "..." : "");
}

}  // namespace sinew
