#include "sinew/base/json_schema.hpp"

#include <algorithm>

namespace sinew {

std::string_view last_name(std::string_view full_name) noexcept {
  const std::size_t colon = full_name.rfind(':');
  return colon == std::string_view::npos ? full_name : full_name.substr(colon + 1);
}

SchemaWriter::Definition SchemaWriter::enter(std::string_view full_name) {
  const auto known = std::ranges::find(known_, full_name, &Known::full_name);
  if (known != known_.end()) return {known->name, false};
  const std::string_view base = last_name(full_name);
  const auto same_base = [&](const Known& other) { return last_name(other.full_name) == base; };
  const auto others = std::ranges::count_if(known_, same_base);
  std::string name(base);
  if (others > 0) name += std::to_string(others + 1);
  known_.push_back({std::string(full_name), name});
  definitions_.append(name, JsonObject());
  return {name, true};
}

void SchemaWriter::define(const std::string& name, JsonObject schema) {
  definitions_.set(name, std::move(schema));
}

JsonObject SchemaWriter::reference(const std::string& name) const {
  return {{"$ref", prefix_ + name}};
}

Json schema_document(std::string_view id, std::string_view title, const JsonObject& root,
                     const JsonObject& definitions) {
  JsonObject document{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  if (!id.empty()) document.set("$id", id);
  document.set("title", title);
  for (const JsonMember& member : root.members())
    document.set(member.name, member.value);
  if (!definitions.empty()) document.set("$defs", definitions);
  return document;
}

}  // namespace sinew
