#include "sinew/base/config_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/suggest.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::config {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    if (byte == '|') out += '\\';
    out += byte == '\n' ? ' ' : byte;
  }
  return out;
}

}  // namespace

Walk::Step::Step(Walk& walk, std::string path, Position position)
    : walk_(walk),
      path_(std::exchange(walk.path_, std::move(path))),
      position_(std::exchange(walk.position_, std::move(position))) {}

Walk::Step::~Step() {
  walk_.path_ = std::move(path_);
  walk_.position_ = std::move(position_);
}

Walk::Step Walk::into_key(std::string_view key, Position position) {
  return {*this, path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key),
          std::move(position)};
}

Walk::Step Walk::into_index(std::size_t index, Position position) {
  return {*this, fmt::format("{}[{}]", path_, index), std::move(position)};
}

void Walk::fail(std::string what) { problems_.add({position_, path_, std::move(what)}); }

void Walk::mismatch(std::string_view got, std::string_view expected) {
  fail(fmt::format("got {}, expected {}", got, expected));
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 60;
  const auto kept = utf8_prefix(text, kMaxShown);
  return fmt::format("\"{}{}\"", kept, kept.size() < text.size() ? "..." : "");
}

const std::string* scalar_text(const Node& node, Walk& walk, std::string_view expected) {
  if (node.kind() == Node::Kind::scalar) return &node.text();
  walk.mismatch(to_string(node.kind()), expected);
  return nullptr;
}

void Rule::list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const {
  doc.accepts = accepts();
  if (value != nullptr) doc.default_value = print(value);
  out.push_back(std::move(doc));
}

void SecretRule::read(const Node& node, void* value, Walk& walk) const {
  const auto* reference = scalar_text(node, walk, accepts());
  if (reference == nullptr) return;
  auto secret = resolve_secret(*reference, walk.environment());
  if (secret) {
    *static_cast<Secret*>(value) = std::move(*secret);
  } else {
    walk.fail(secret.error());
  }
}

Option& SectionRule::add(Option option) {
  if (find(option.name) != nullptr) {
    throw Error(Condition::invalid_input,
                fmt::format("option `{}` is described twice", option.name));
  }
  return *options_.emplace_back(std::make_unique<Option>(std::move(option)));
}

const Option* SectionRule::find(std::string_view name) const noexcept {
  const auto named = [&](const auto& option) { return option->name == name; };
  const auto it = std::ranges::find_if(options_, named);
  return it == options_.end() ? nullptr : it->get();
}

void SectionRule::read(const Node& node, void* value, Walk& walk) const {
  // A section whose options are all left out or commented out is an empty one.
  if (node.kind() != Node::Kind::map && node.kind() != Node::Kind::null) {
    return walk.mismatch(to_string(node.kind()), accepts());
  }
  const auto before = walk.problems();
  std::vector<std::string> names;
  for (const auto& option : options_)
    names.push_back(option->name);
  for (const auto& child : node.children()) {
    const auto& [name, position] = child.key();
    const auto step = walk.into_key(utf8_prefix(name, 64), position);
    if (const auto* option = find(name)) {
      // The struct being filled is not const; the accessor is written once for both uses.
      option->rule->read(child, const_cast<void*>(option->member(value)), walk);
    } else {
      walk.fail("there is no such option" + did_you_mean(name, names));
    }
  }
  for (const auto& option : options_) {
    if (!option->required || node.find(option->name) != nullptr) continue;
    const auto step = walk.into_key(option->name, walk.position());
    walk.fail("is required: " + option->rule->accepts());
  }
  if (walk.problems() == before) check_together(value, walk);
}

void SectionRule::check(const void* value, Walk& walk) const {
  const auto before = walk.problems();
  for (const auto& option : options_) {
    const auto step = walk.into_key(option->name, walk.position());
    option->rule->check(option->member(value), walk);
  }
  if (walk.problems() == before) check_together(value, walk);
}

void SectionRule::check_together(const void* value, Walk& walk) const {
  if (!violations_) return;
  for (auto& violation : violations_(value))
    walk.fail(std::move(violation));
}

void SectionRule::list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const {
  const auto prefix = doc.path.empty() ? "" : doc.path + ".";
  for (const auto& option : options_) {
    const bool has_default = value != nullptr && !option->required;
    // A section inside is listed even if it is required: its own options have defaults.
    const bool inner = has_default || (value != nullptr && option->rule->composite());
    option->rule->list(inner ? option->member(value) : nullptr,
                       {prefix + option->name, "", "", option->text}, out);
  }
}

std::string to_markdown(const std::vector<OptionDoc>& options) {
  std::string out = "| option | accepts | default | meaning |\n|---|---|---|---|\n";
  for (const auto& option : options) {
    const auto value =
        option.default_value.empty() ? "required" : fmt::format("`{}`", cell(option.default_value));
    out += fmt::format("| `{}` | {} | {} | {} |\n", option.path, cell(option.accepts), value,
                       cell(option.text));
  }
  return out;
}

}  // namespace sinew::config
