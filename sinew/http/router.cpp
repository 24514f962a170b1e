#include "sinew/http/router.hpp"

#include <algorithm>
#include <map>

#include "sinew/base/error.hpp"
#include "sinew/wire/chars.hpp"

namespace sinew::http {

// One segment of the paths below its parent.
struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::vector<const Route*> routes;  // that end here, one a method

  const Route* find(Method method) const noexcept {
    const auto found = std::ranges::find(routes, method, &Route::method);
    return found == routes.end() ? nullptr : *found;
  }
};

namespace {

// "/a/b" gives a, b; "/" gives one empty segment, so that "/a" and "/a/" differ.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    segments.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

bool is_parameter(std::string_view segment) noexcept {
  return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}') &&
         wire::is_token(segment.substr(1, segment.size() - 2));
}

[[noreturn]] void refuse_pattern(const std::string& pattern) {
  throw Error(Condition::invalid_input,
              "route " + pattern +
                  ": a pattern begins with `/`; each segment is plain text or one {parameter}, of "
                  "its own name");
}

void check_pattern(const std::string& pattern) {
  if (!pattern.starts_with('/')) refuse_pattern(pattern);
  std::vector<std::string_view> names;
  for (const std::string_view segment : segments_of(pattern)) {
    const bool braces = segment.find_first_of("{}") != std::string_view::npos;
    if (!braces) continue;
    if (!is_parameter(segment) || std::ranges::find(names, segment) != names.end())
      refuse_pattern(pattern);
    names.push_back(segment);
  }
}

std::string allowed_methods(const std::vector<const Router::Route*>& routes) {
  std::string allow;
  for (const Router::Route* route : routes) {
    allow += std::string(wire::to_string(route->method)) + ", ";
    if (route->method == Method::get) allow += "HEAD, ";
  }
  return allow + "OPTIONS";
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router& Router::add(Method method, std::string pattern, Handler handler) {
  check_pattern(pattern);
  if (wire::to_string(method).empty() || !handler) refuse_pattern(pattern);
  Node* node = root_.get();
  std::vector<std::string> names;
  for (const std::string_view segment : segments_of(pattern)) {
    std::unique_ptr<Node>* next = &node->parameter;
    if (is_parameter(segment)) {
      names.emplace_back(segment.substr(1, segment.size() - 2));
    } else {
      next = &node->literals[std::string(segment)];
    }
    if (*next == nullptr) *next = std::make_unique<Node>();
    node = next->get();
  }
  if (node->find(method) != nullptr) {
    throw Error(Condition::conflict, "route " + std::string(wire::to_string(method)) + " " +
                                         pattern + " is there already as " +
                                         node->find(method)->pattern);
  }
  const char* name = async::lasting_name(std::string(wire::to_string(method)) + " " + pattern);
  routes_.push_back(std::make_unique<Route>(
      Route{method, std::move(pattern), std::move(names), std::move(handler), name}));
  node->routes.push_back(routes_.back().get());
  return *this;
}

Router& Router::guard(std::string prefix, Guard guard) {
  while (prefix.ends_with('/'))
    prefix.pop_back();
  guards_.push_back({std::move(prefix), std::move(guard)});
  return *this;
}

namespace {

// Depth first, literals before parameters; `values` holds what the parameters on the way took.
// Bounded by the depth of the patterns.
template <typename Node>
const Node* descend(const Node& node, std::span<const std::string_view> segments,
                    std::vector<std::string_view>& values) {
  if (segments.empty()) return node.routes.empty() ? nullptr : &node;
  const auto literal = node.literals.find(segments.front());
  if (literal != node.literals.end()) {
    if (const Node* found = descend(*literal->second, segments.subspan(1), values)) return found;
  }
  if (node.parameter == nullptr || segments.front().empty()) return nullptr;
  values.push_back(segments.front());
  if (const Node* found = descend(*node.parameter, segments.subspan(1), values)) return found;
  values.pop_back();
  return nullptr;
}

}  // namespace

Router::Match Router::find(Method method, std::string_view path) const {
  std::vector<std::string_view> values;
  const std::vector<std::string_view> segments = segments_of(path);
  const Node* node = descend(*root_, std::span(segments), values);
  if (node == nullptr) return {};
  Match match;
  match.route = node->find(method);
  if (match.route == nullptr && method == Method::head) match.route = node->find(Method::get);
  if (match.route == nullptr) {
    match.allow = allowed_methods(node->routes);
    return match;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    match.parameters.push_back({match.route->names[i], std::string(values[i])});
  }
  return match;
}

void Router::check(const Request& request) const {
  for (const GuardEntry& entry : guards_) {
    const std::string& prefix = entry.prefix;
    if (!request.path.starts_with(prefix)) continue;
    if (request.path.size() == prefix.size() || request.path[prefix.size()] == '/') {
      entry.guard(request);
    }
  }
}

std::vector<const Router::Route*> Router::routes() const {
  std::vector<const Route*> routes;
  for (const auto& route : routes_)
    routes.push_back(route.get());
  return routes;
}

}  // namespace sinew::http
