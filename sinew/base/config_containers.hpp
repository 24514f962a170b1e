#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/config_rule.hpp"
#include "sinew/base/config_scalar_rule.hpp"

// The rules of optionals, lists and maps, and the choice of a rule by type. Used through
// config.hpp.
namespace sinew::config {

inline constexpr std::size_t kMaxItems = 1'000;  // of a list or map, unless described otherwise

template <class T>
concept Described = requires(Section<T>& section) { T::describe(section); };

// The rule of a described struct; made once, shared, never changed afterwards. In config.hpp.
template <Described T>
const std::shared_ptr<const SectionRule>& schema();

template <class E>
class OptionalRule;
template <class E>
class ListRule;
template <class E>
class MapRule;

template <class T>
struct RuleOf : std::type_identity<ScalarRule<T>> {};
template <Described T>
struct RuleOf<T> : std::type_identity<const SectionRule> {};
template <>
struct RuleOf<Secret> : std::type_identity<SecretRule> {};
template <class E>
struct RuleOf<std::optional<E>> : std::type_identity<OptionalRule<E>> {};
template <class E>
struct RuleOf<std::vector<E>> : std::type_identity<ListRule<E>> {};
template <class E>
struct RuleOf<std::map<std::string, E>> : std::type_identity<MapRule<E>> {};

template <class T>
std::shared_ptr<typename RuleOf<T>::type> make_rule() {
  if constexpr (Described<T>) {
    return schema<T>();
  } else {
    return std::make_shared<typename RuleOf<T>::type>();
  }
}

// The rule to which ranges apply: of the elements, at any depth.
template <class T>
ScalarRule<T>& innermost(ScalarRule<T>& rule) {
  return rule;
}
template <class Container>
auto& innermost(Container& rule) {
  return innermost(rule.element());
}

template <class E>
class OptionalRule final : public Rule {
 public:
  auto& element() { return *element_; }

  void read(const Node& node, void* value, Walk& walk) const override {
    auto& typed = *static_cast<std::optional<E>*>(value);
    if (node.kind() == Node::Kind::null) {
      typed.reset();
    } else {
      element_->read(node, &typed.emplace(), walk);
    }
  }
  void check(const void* value, Walk& walk) const override {
    const auto& typed = *static_cast<const std::optional<E>*>(value);
    if (typed) element_->check(&*typed, walk);
  }
  std::string accepts() const override { return element_->accepts(); }
  std::string print(const void* value) const override {
    const auto& typed = *static_cast<const std::optional<E>*>(value);
    return typed ? element_->print(&*typed) : "none";
  }
  void list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const override {
    if (!element_->composite()) return Rule::list(value, std::move(doc), out);
    const E defaults{};
    element_->list(&defaults, std::move(doc), out);
  }
  bool composite() const noexcept override { return element_->composite(); }

 private:
  std::shared_ptr<typename RuleOf<E>::type> element_ = make_rule<E>();
};

// What lists and maps share: the number of items.
template <class E>
class ContainerRule : public Rule {
 public:
  auto& element() { return *element_; }
  void set_items(std::size_t low, std::size_t high) {
    min_ = low;
    max_ = high;
  }

  bool composite() const noexcept override { return element_->composite(); }

 protected:
  std::string of_items(std::string_view noun) const {
    const auto items = min_ == 0 ? "at most " + std::to_string(max_)
                                 : std::to_string(min_) + " to " + std::to_string(max_);
    return std::string(noun) + " of " + items + ", each " + element_->accepts();
  }
  bool check_items(std::size_t items, Walk& walk) const {
    if (items >= min_ && items <= max_) return true;
    walk.mismatch(std::to_string(items) + " items", accepts());
    return false;
  }
  void list_items(const void* value, OptionDoc doc, std::string_view suffix,
                  std::vector<OptionDoc>& out) const {
    if (!element_->composite()) return Rule::list(value, std::move(doc), out);
    doc.path += suffix;
    const E defaults{};
    element_->list(&defaults, std::move(doc), out);
  }

  std::shared_ptr<typename RuleOf<E>::type> element_ = make_rule<E>();

 private:
  std::size_t min_ = 0;
  std::size_t max_ = kMaxItems;
};

template <class E>
class ListRule final : public ContainerRule<E> {
  using List = std::vector<E>;

 public:
  void read(const Node& node, void* value, Walk& walk) const override {
    if (node.kind() != Node::Kind::list) {
      return walk.mismatch(to_string(node.kind()), accepts());
    }
    if (!this->check_items(node.children().size(), walk)) return;
    List items;
    for (const auto& child : node.children()) {
      const auto step = walk.into_index(items.size(), child.position());
      this->element_->read(child, &items.emplace_back(), walk);
    }
    *static_cast<List*>(value) = std::move(items);
  }
  void check(const void* value, Walk& walk) const override {
    const auto& items = *static_cast<const List*>(value);
    this->check_items(items.size(), walk);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto step = walk.into_index(i, walk.position());
      this->element_->check(&items[i], walk);
    }
  }
  std::string accepts() const override { return this->of_items("a list"); }
  std::string print(const void* value) const override {
    std::string out;
    for (const auto& item : *static_cast<const List*>(value)) {
      out += (out.empty() ? "" : ", ") + this->element_->print(&item);
    }
    return "[" + out + "]";
  }
  void list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const override {
    this->list_items(value, std::move(doc), "[]", out);
  }
};

template <class E>
class MapRule final : public ContainerRule<E> {
  using Map = std::map<std::string, E>;

 public:
  void read(const Node& node, void* value, Walk& walk) const override {
    if (node.kind() != Node::Kind::map && node.kind() != Node::Kind::null) {
      return walk.mismatch(to_string(node.kind()), accepts());
    }
    if (!this->check_items(node.children().size(), walk)) return;
    Map items;
    for (const auto& child : node.children()) {
      const auto step = walk.into_key(child.key().name, child.key().position);
      this->element_->read(child, &items[child.key().name], walk);
    }
    *static_cast<Map*>(value) = std::move(items);
  }
  void check(const void* value, Walk& walk) const override {
    const auto& items = *static_cast<const Map*>(value);
    this->check_items(items.size(), walk);
    for (const auto& [name, item] : items) {
      const auto step = walk.into_key(name, walk.position());
      this->element_->check(&item, walk);
    }
  }
  std::string accepts() const override { return this->of_items("a map by name"); }
  std::string print(const void* value) const override {
    std::string out;
    for (const auto& [name, item] : *static_cast<const Map*>(value)) {
      out += (out.empty() ? "" : ", ") + name + ": " + this->element_->print(&item);
    }
    return "{" + out + "}";
  }
  void list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const override {
    this->list_items(value, std::move(doc), ".<name>", out);
  }
};

}  // namespace sinew::config
