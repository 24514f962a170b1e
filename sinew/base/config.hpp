#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/config_containers.hpp"
#include "sinew/base/config_rule.hpp"
#include "sinew/base/config_yaml.hpp"

// Typed configuration. A settings struct says each option once: its default is the member's
// initialiser, its name, range and meaning stand in describe().
//
//   struct RelaySettings {
//     int batch = 100;
//     Duration interval = 1s;
//     static void describe(config::Section<RelaySettings>& section);
//     std::vector<std::string> violations() const;   // optional: what must hold between options
//   };
//   void RelaySettings::describe(config::Section<RelaySettings>& section) {
//     section.option("batch", &RelaySettings::batch, "messages a round").range(1, 1'000);
//     section.option("interval", &RelaySettings::interval, "between rounds").range(1ms, 1h);
//   }
//   const auto settings = config::load<RelaySettings>("relay.yaml");
//
// An option is a bool, an integer, a double, a text, a Duration, a ByteSize, a described
// enumeration, a Secret, another such struct, or an optional, a vector or a map by name of one.
// A struct that contains itself is not supported.
namespace sinew::config {

// Narrows an option while it is being described. Ranges are inclusive and apply to the elements
// when the option is a list, a map or an optional.
template <class M>
class OptionHandle {
  using Rule = typename RuleOf<M>::type;

 public:
  OptionHandle(Option& option, Rule& rule) : option_(option), rule_(rule) {}

  OptionHandle& required() {
    option_.required = true;
    return *this;
  }
  template <class Low, class High>
  OptionHandle& range(Low low, High high)
    requires requires(Rule& rule) { innermost(rule).set_range(low, high); }
  {
    innermost(rule_).set_range(low, high);
    return *this;
  }
  OptionHandle& length(std::size_t low, std::size_t high)  // of a text, in bytes
    requires requires(Rule& rule) { innermost(rule).set_length(low, high); }
  {
    innermost(rule_).set_length(low, high);
    return *this;
  }
  OptionHandle& items(std::size_t low, std::size_t high)  // of a list or a map
    requires requires(Rule& rule) { rule.set_items(low, high); }
  {
    rule_.set_items(low, high);
    return *this;
  }

 private:
  Option& option_;
  Rule& rule_;
};

template <class T>
class Section {
 public:
  explicit Section(SectionRule& rule) : rule_(rule) {}

  template <class M>
  OptionHandle<M> option(std::string name, M T::* member, std::string text) {
    const auto rule = make_rule<M>();
    auto& added = rule_.add({std::move(name), std::move(text), false, rule,
                             [member](const void* object) -> const void* {
                               return &(static_cast<const T*>(object)->*member);
                             }});
    return {added, *rule};
  }

 private:
  SectionRule& rule_;
};

template <Described T>
const std::shared_ptr<const SectionRule>& schema() {
  static const std::shared_ptr<const SectionRule> rule = [] {
    auto made = std::make_shared<SectionRule>();
    Section<T> section(*made);
    T::describe(section);
    if constexpr (requires(const T& t) { t.violations(); }) {
      made->set_violations([](const void* value) -> std::vector<std::string> {
        return static_cast<const T*>(value)->violations();
      });
    }
    return made;
  }();
  return rule;
}

// Reads the tree into a T, from its defaults on. Everything wrong goes to `problems`; the result
// is meaningful only if there is nothing.
template <Described T>
T read(const Node& root, Problems& problems, const Environment& environment = process_environment) {
  T settings{};
  Walk walk(problems, environment);
  const auto step = Walk::Step(walk, "", root.position());
  schema<T>()->read(root, &settings, walk);
  return settings;
}

// Reads a file. Throws Error not_found or unavailable when it cannot be read, and invalid_input
// with one line for each problem.
template <Described T>
T load(const std::filesystem::path& path, const Environment& environment = process_environment) {
  Problems problems;
  const auto root = read_yaml(path, problems);
  auto settings = T{};
  // Broken syntax leaves no tree: then what is missing would only hide the cause.
  if (problems.empty() || root.kind() != Node::Kind::null) {
    settings = read<T>(root, problems, environment);
  }
  problems.throw_if_any("the configuration is not usable:");
  return settings;
}

// Checks settings that were made by code against the same ranges. Throws Error invalid_input with
// all violations; `subject` names the settings in it.
template <Described T>
void require_valid(const T& settings, std::string_view subject) {
  Problems problems;
  const Environment no_environment;
  Walk walk(problems, no_environment);
  schema<T>()->check(&settings, walk);
  problems.throw_if_any(std::string(subject) + " is not usable:");
}

// All options of T with their defaults, for reference documentation.
template <Described T>
std::vector<OptionDoc> reference() {
  std::vector<OptionDoc> out;
  const T defaults{};
  schema<T>()->list(&defaults, {}, out);
  return out;
}

}  // namespace sinew::config
