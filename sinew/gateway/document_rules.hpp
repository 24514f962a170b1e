#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/config.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/base/uuid.hpp"
#include "sinew/gateway/sinew_settings.hpp"

// What may stand in a declarative file besides the values of entities, as types of the
// configuration tree: lists of entities, references, and what Kong knows and Sinew does not.
namespace sinew::gateway {

// A list of nested entities, read by read_configuration() itself. The node lives as long as the
// tree that is being read.
struct EntityList {
  const config::Node* node = nullptr;
};

// Known to Kong; whoever writes it must learn that it does nothing here.
struct NotSupported {};

// Comments of Kong's format.
struct Ignored {};

// A text of a template's argument.
template <std::size_t n>
struct Fixed {
  char text[n] = {};

  consteval Fixed(const char (&given)[n]) { std::copy_n(given, n, text); }
  constexpr std::string_view view() const { return {text, n - 1}; }
};

// An option of Kong's that has one value here, so that exported files are read.
template <Fixed value>
struct Only {
  friend auto operator<=>(const Only&, const Only&) = default;
};

// One or more PEM blocks, never repeated in a problem.
struct Pem {
  Secret text;
};

class EntityListRule final : public config::Rule {
 public:
  void read(const config::Node& node, void* value, config::Walk& walk) const override;
  void check(const void*, config::Walk&) const override {}
  std::string accepts() const override { return "a list of entities"; }
  std::string print(const void*) const override { return "[]"; }
};

class ReferenceRule final : public config::Rule {
 public:
  void read(const config::Node& node, void* value, config::Walk& walk) const override;
  void check(const void*, config::Walk&) const override {}
  std::string accepts() const override { return "a name or id, or {name: ...} or {id: ...}"; }
  std::string print(const void*) const override { return "none"; }
};

class NotSupportedRule final : public config::Rule {
 public:
  static constexpr std::string_view kNothing = "nothing yet";

  void read(const config::Node& node, void* value, config::Walk& walk) const override;
  void check(const void*, config::Walk&) const override {}
  std::string accepts() const override { return std::string(kNothing); }
  std::string print(const void*) const override { return "none"; }
};

class IgnoredRule final : public config::Rule {
 public:
  void read(const config::Node&, void*, config::Walk&) const override {}
  void check(const void*, config::Walk&) const override {}
  std::string accepts() const override { return "anything"; }
  std::string print(const void*) const override { return "none"; }
};

class PemRule final : public config::Rule {
 public:
  void read(const config::Node& node, void* value, config::Walk& walk) const override;
  void check(const void*, config::Walk&) const override {}
  std::string accepts() const override { return "PEM, from -----BEGIN to -----END"; }
  std::string print(const void*) const override { return "none"; }
};

}  // namespace sinew::gateway

namespace sinew::config {

template <>
struct RuleOf<gateway::EntityList> : std::type_identity<gateway::EntityListRule> {};
template <>
struct RuleOf<gateway::Reference> : std::type_identity<gateway::ReferenceRule> {};
template <>
struct RuleOf<gateway::NotSupported> : std::type_identity<gateway::NotSupportedRule> {};
template <>
struct RuleOf<gateway::Ignored> : std::type_identity<gateway::IgnoredRule> {};
template <>
struct RuleOf<gateway::Pem> : std::type_identity<gateway::PemRule> {};

template <gateway::Fixed value>
struct Scalar<gateway::Only<value>> {
  static inline const std::string kNoun =
      std::string(value.view()) + " (nothing else is supported yet)";
  static std::optional<gateway::Only<value>> parse(std::string_view text) {
    return text == value.view() ? std::optional(gateway::Only<value>()) : std::nullopt;
  }
  static std::string print(gateway::Only<value>) { return std::string(value.view()); }
};

template <>
struct Scalar<Uuid> {
  static constexpr std::string_view kNoun = "a UUID";
  static std::optional<Uuid> parse(std::string_view text) { return Uuid::try_parse(text); }
  static std::string print(const Uuid& value) { return value.is_nil() ? "none" : to_string(value); }
};

}  // namespace sinew::config
