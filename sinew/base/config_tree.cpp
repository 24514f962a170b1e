#include "sinew/base/config_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::config {

std::string to_string(const Position& position) {
  return position.file ? fmt::format("{}:{}", *position.file, position.line) : std::string();
}

Node Node::scalar(std::string text, Position position) {
  Node node(Kind::scalar, std::move(position));
  node.text_ = std::move(text);
  return node;
}

void Node::append(Key key, Node value) {
  value.key_ = std::move(key);
  children_.push_back(std::move(value));
}

const Node* Node::find(std::string_view key) const noexcept {
  const auto named = [&](const Node& child) { return child.key_.name == key; };
  const auto it = std::ranges::find_if(children_, named);
  return kind_ != Kind::map || it == children_.end() ? nullptr : &*it;
}

std::string_view to_string(Node::Kind kind) noexcept {
  switch (kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "a value";
    case Node::Kind::list: return "a list";
    case Node::Kind::map: return "a map";
  }
  return "nothing";
}

std::string to_string(const Problem& problem) {
  std::string text = to_string(problem.position);
  if (!text.empty()) text += ": ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.what;
}

void Problems::add(Problem problem) {
  ++count_;
  if (kept_.size() < kMaxKept) kept_.push_back(std::move(problem));
}

void Problems::throw_if_any(std::string_view subject) const {
  if (empty()) return;
  std::string text(subject);
  for (const auto& problem : kept_)
    text += "\n  " + to_string(problem);
  if (count_ > kept_.size()) {
    fmt::format_to(std::back_inserter(text), "\n  and {} more", count_ - kept_.size());
  }
  throw Error(Condition::invalid_input, text);
}

}  // namespace sinew::config
