#include "sinew/store/personal_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/id.hpp"

namespace sinew::store {
namespace {

struct Path {
  std::string_view parent;  // empty: the root
  std::string_view name;
};

Path split(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {{}, path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

// The object that a path leads to, nullptr when it leads nowhere.
template <class Object>
Object* object_at(Object& root, std::string_view path) {
  Object* at = &root;
  while (!path.empty() && at != nullptr) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    auto* member = at->find(name);
    at = member != nullptr && member->is_object() ? &member->as_object() : nullptr;
  }
  return at;
}

template <class Object>
auto* member_at(Object& root, std::string_view path) {
  const auto [parent, name] = split(path);
  Object* object = object_at(root, parent);
  return object == nullptr ? nullptr : object->find(name);
}

// The schema of the member at a path of the struct with this schema; nullptr without one.
const Json* schema_at(const Json& document, std::string_view path) {
  constexpr std::string_view definitions = "#/$defs/";
  const Json* at = &document;
  while (at != nullptr && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (const Json* reference = at->find("$ref")) {
      const std::string_view target = reference->as_string();
      at = document.at("$defs").find(target.substr(definitions.size()));
    }
    const Json* properties = at == nullptr ? nullptr : at->find("properties");
    at = properties == nullptr ? nullptr : properties->find(name);
  }
  return at;
}

bool is_text(const Json& schema) {
  const Json* type = schema.find("type");
  return type != nullptr && type->is_string() && type->as_string() == "string";
}

bool lies_in(std::string_view path, std::string_view whole) {
  return path.starts_with(whole) &&
         (path.size() == whole.size() || path[whole.size()] == '.' || path[whole.size()] == '[');
}

}  // namespace

PersonalEvents& PersonalEvents::add(std::string_view type, std::string_view subject,
                                    std::span<const std::string_view> members, const Json& fresh,
                                    const Json& schema, const std::vector<JsonError>& unreadable) {
  std::string wrong;
  const auto complain = [&](std::string_view path, std::string_view what) {
    wrong += fmt::format("{}{} {}", wrong.empty() ? "" : "; ", path, what);
  };
  const Json* who = schema_at(schema, subject);
  if (who == nullptr || !is_text(*who)) complain(subject, "is no text of it, and names nobody");
  Declaration declaration{std::string(subject), {}};
  for (const std::string_view path : members) {
    if (schema_at(schema, path) == nullptr) complain(path, "is no member of it");
    if (lies_in(subject, path)) complain(path, "holds the subject, which stays");
    for (const JsonError& error : unreadable) {
      if (!lies_in(error.path, path)) continue;
      complain(path, fmt::format("could not be read once erased ({}): make it defaulted() or "
                                 "optional",
                                 error.message));
    }
    const Json* erased = fresh.is_object() ? member_at(fresh.as_object(), path) : nullptr;
    declaration.members.push_back(
        {std::string(path), erased == nullptr ? std::nullopt : std::optional(*erased)});
  }
  if (!wrong.empty()) {
    throw Error(Condition::invalid_input, fmt::format("personal members of {}: {}", type, wrong));
  }
  types_.insert_or_assign(std::string(type), std::move(declaration));
  return *this;
}

const PersonalEvents::Declaration* PersonalEvents::find(std::string_view type) const {
  const auto found = types_.find(type);
  return found == types_.end() ? nullptr : &found->second;
}

PersonalParts take_apart(const PersonalEvents::Declaration& declaration, std::string_view type,
                         std::string_view data) {
  PersonalParts parts;
  Json event = parse_json(data);
  if (!event.is_object() || event.find("$personal") != nullptr) {
    throw Error(Condition::invalid_input,
                fmt::format("event {} is no JSON object, or has a member $personal", type));
  }
  parts.rest = std::move(event.as_object());
  const Json* subject = member_at(parts.rest, declaration.subject);
  if (subject == nullptr || !subject->is_string() || subject->as_string().empty() ||
      subject->as_string().size() > max_id_length) {
    throw Error(Condition::invalid_input,
                fmt::format("event {} does not say at {} whose personal members it has, with a "
                            "text of 1 to {} bytes",
                            type, declaration.subject, max_id_length));
  }
  parts.subject = subject->as_string();
  for (const PersonalEvents::Member& member : declaration.members) {
    const auto [parent, name] = split(member.path);
    JsonObject* object = object_at(parts.rest, parent);
    Json* value = object == nullptr ? nullptr : object->find(name);
    if (value == nullptr || (member.erased && *value == *member.erased)) continue;
    parts.personal.append(member.path, std::move(*value));
    if (member.erased) {
      *value = *member.erased;
    } else {
      object->erase(name);
    }
  }
  return parts;
}

void put_back(JsonObject& event, const JsonObject& personal) {
  for (const JsonMember& member : personal.members()) {
    const auto [parent, name] = split(member.name);
    JsonObject* object = object_at(event, parent);
    if (object == nullptr) {
      throw Error(Condition::corrupt,
                  fmt::format("an event has no place for its personal member {}", member.name));
    }
    object->set(name, member.value);
  }
}

}  // namespace sinew::store
