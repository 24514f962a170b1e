#include "sinew/base/config_yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::config {
namespace {

// Ends the reading; carries the one problem out of yaml-cpp's parser.
struct Stop {
  std::size_t line;
  std::string what;
};

struct Measure {
  std::size_t nodes = 1;
  std::size_t height = 1;
};

// Recursion is bounded by the depth limit, which every tree measured here has passed.
Measure measure(const Node& node) {
  Measure total;
  for (const auto& child : node.children()) {
    const auto part = measure(child);
    total.nodes += part.nodes;
    total.height = std::max(total.height, part.height + 1);
  }
  return total;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> file, Problems& problems, YamlLimits limits)
      : file_(std::move(file)), problems_(problems), limits_(limits) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true)) stop(mark, "a second document begins; one is expected");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark, 1);
    complete(Node(Node::Kind::null, at(mark)), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) stop(mark, "an alias stands inside of its own anchor");
    const auto size = measure(it->second);
    count(mark, size.nodes);
    check_depth(mark, frames_.size() + size.height);
    complete(it->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    count(mark, 1);
    complete(Node::scalar(value, at(mark)), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Node> key;  // of a map: read, its value not yet
    std::map<std::string, std::size_t, std::less<>> seen;
  };

  static std::size_t line(const YAML::Mark& mark) {
    return static_cast<std::size_t>(mark.line + 1);
  }
  Position at(const YAML::Mark& mark) const { return {file_, line(mark)}; }
  [[noreturn]] static void stop(const YAML::Mark& mark, std::string what) {
    throw Stop{line(mark), std::move(what)};
  }

  // yaml-cpp gives "?" for a plain scalar or collection, "!" for a quoted scalar.
  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") stop(mark, "tags are not supported: " + tag);
  }
  void check_depth(const YAML::Mark& mark, std::size_t depth) const {
    if (depth > limits_.depth) {
      stop(mark, fmt::format("nested more than {} levels deep", limits_.depth));
    }
  }
  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > limits_.nodes) {
      stop(mark, fmt::format("more than {} values, aliases included", limits_.nodes));
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    check_tag(mark, tag);
    count(mark, 1);
    check_depth(mark, frames_.size() + 1);
    frames_.push_back({Node(kind, at(mark)), anchor, std::nullopt, {}});
  }

  void close() {
    auto frame = std::move(frames_.back());
    frames_.pop_back();
    complete(std::move(frame.node), frame.anchor);
  }

  void complete(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      nodes_ += measure(node).nodes;  // the copy counts as well
      anchors_[anchor] = node;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
    } else if (frames_.back().node.kind() == Node::Kind::list) {
      frames_.back().node.append(std::move(node));
    } else if (!frames_.back().key) {
      take_key(frames_.back(), std::move(node));
    } else {
      add_entry(frames_.back(), std::move(node));
    }
  }

  static void take_key(Frame& frame, Node key) {
    const auto line = key.position().line;
    if (key.kind() != Node::Kind::scalar) {
      throw Stop{line, fmt::format("a key is a name, not {}", to_string(key.kind()))};
    }
    if (key.text() == "<<") throw Stop{line, "merge keys (<<) are not supported"};
    frame.key = std::move(key);
  }

  void add_entry(Frame& frame, Node value) {
    const Node key = *std::exchange(frame.key, std::nullopt);
    // The parser sees that nothing follows a key only at the next one.
    if (value.kind() == Node::Kind::null) value = Node(Node::Kind::null, key.position());
    const auto [it, added] = frame.seen.emplace(key.text(), key.position().line);
    if (added) {
      frame.node.append({key.text(), key.position()}, std::move(value));
    } else {
      problems_.add({key.position(), "",
                     fmt::format("the key `{}` is given twice, first in line {}",
                                 utf8_prefix(key.text(), 64), it->second)});
    }
  }

  std::shared_ptr<const std::string> file_;
  Problems& problems_;
  YamlLimits limits_;
  bool started_ = false;
  std::size_t nodes_ = 0;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  Node root_;
};

std::size_t line_of(std::string_view text, std::size_t position) {
  return 1 + static_cast<std::size_t>(std::ranges::count(text.substr(0, position), '\n'));
}

void check_text(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    throw Stop{1, fmt::format("the file has {} bytes, {} are allowed", text.size(), limits.bytes)};
  }
  if (const auto position = find_malformed_utf8(text)) {
    throw Stop{line_of(text, *position), "a byte is not UTF-8; save the file in that encoding"};
  }
  if (const auto position = text.find('\0'); position != std::string_view::npos) {
    throw Stop{line_of(text, position), "a NUL byte; this is not a text file"};
  }
}

}  // namespace

Node parse_yaml(std::string_view text, const std::string& file, Problems& problems,
                const YamlLimits& limits) {
  const auto name = std::make_shared<const std::string>(file);
  const auto report = [&](std::size_t line, std::string what) {
    problems.add({{name, line}, "", std::move(what)});
    return Node(Node::Kind::null, {name, line});
  };
  try {
    check_text(text, limits);
    TreeBuilder builder(name, problems, limits);
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // Each round takes one document, and the builder stops at the second.
    while (parser.HandleNextDocument(builder)) {
    }
    auto root = builder.take();
    return root.position().file ? std::move(root) : Node(Node::Kind::null, {name, 1});
  } catch (const Stop& stop) {
    return report(stop.line, stop.what);
  } catch (const YAML::Exception& error) {
    return report(static_cast<std::size_t>(std::max(0, error.mark.line) + 1),
                  "not valid YAML: " + error.msg);
  }
}

Node read_yaml(const std::filesystem::path& path, Problems& problems, const YamlLimits& limits) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) {
    throw Error(Condition::not_found,
                fmt::format("there is no configuration file {}", path.string()));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(limits.bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (std::filesystem::is_directory(status) || file.bad() || (file.fail() && !file.eof())) {
    throw Error(Condition::unavailable,
                fmt::format("the configuration file {} cannot be read; check that it is a file and "
                            "its permissions",
                            path.string()));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_yaml(text, path.string(), problems, limits);
}

}  // namespace sinew::config
