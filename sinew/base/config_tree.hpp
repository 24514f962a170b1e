#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Configuration before it has types: a tree whose nodes know their file and line, and the list of
// everything that is wrong with it.
namespace sinew::config {

struct Position {
  std::shared_ptr<const std::string> file;  // none: the value did not come from a file
  std::size_t line = 0;                     // from 1
};

// "shop.yaml:12", or nothing.
std::string to_string(const Position& position);

class Node {
 public:
  enum class Kind { null, scalar, list, map };
  struct Key {
    std::string name;
    Position position;
  };

  Node() = default;
  Node(Kind kind, Position position) : kind_(kind), position_(std::move(position)) {}
  static Node scalar(std::string text, Position position);

  Kind kind() const noexcept { return kind_; }
  const Position& position() const noexcept { return position_; }
  const std::string& text() const noexcept { return text_; }  // of a scalar, as written

  // The children of a list or a map in their order; those of a map have a key.
  std::span<const Node> children() const noexcept { return children_; }
  const Key& key() const noexcept { return key_; }
  const Node* find(std::string_view key) const noexcept;  // in a map; null when missing

  void append(Node item) { children_.push_back(std::move(item)); }
  void append(Key key, Node value);

 private:
  Kind kind_ = Kind::null;
  Position position_;
  Key key_;
  std::string text_;
  std::vector<Node> children_;
};

std::string_view to_string(Node::Kind kind) noexcept;  // "nothing", "a value", "a list", "a map"

struct Problem {
  Position position;
  std::string path;  // retry.attempts, routes[2].name; may be empty
  std::string what;
};

// "shop.yaml:12: retry.attempts: got 0, expected an integer from 1 to 10"
std::string to_string(const Problem& problem);

// All that is wrong, so that one run shows everything there is to correct.
class Problems {
 public:
  static constexpr std::size_t kMaxKept = 100;  // further ones are only counted

  void add(Problem problem);
  bool empty() const noexcept { return count_ == 0; }
  std::size_t count() const noexcept { return count_; }
  std::span<const Problem> kept() const noexcept { return kept_; }

  // Throws Error invalid_input: `subject`, then one line a problem. Does nothing if there is none.
  void throw_if_any(std::string_view subject) const;

 private:
  std::size_t count_ = 0;
  std::vector<Problem> kept_;
};

}  // namespace sinew::config
