#include "sinew/base/config_scalar_rule.hpp"

#include <fmt/format.h>

namespace sinew::config {

void ScalarRule<std::string>::read(const Node& node, void* value, Walk& walk) const {
  const auto* text = scalar_text(node, walk, accepts());
  if (text == nullptr) return;
  if (text->size() < min_ || text->size() > max_) return walk.mismatch(shown(*text), accepts());
  *static_cast<std::string*>(value) = *text;
}

void ScalarRule<std::string>::check(const void* value, Walk& walk) const {
  const auto& text = *static_cast<const std::string*>(value);
  if (text.size() < min_ || text.size() > max_) walk.mismatch(shown(text), accepts());
}

std::string ScalarRule<std::string>::accepts() const {
  if (min_ == 0 && max_ == kMaxText) return "a text";
  return fmt::format("a text of {} to {} bytes", min_, max_);
}

std::string ScalarRule<std::string>::print(const void* value) const {
  return shown(*static_cast<const std::string*>(value));
}

}  // namespace sinew::config
