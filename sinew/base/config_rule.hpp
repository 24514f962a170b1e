#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_tree.hpp"
#include "sinew/base/secret.hpp"

// The part of the binding that does not depend on types: rules read nodes into values, check
// values, and list what they accept. config.hpp makes them from described structs.
namespace sinew::config {

// Where the walk stands, and where it puts what it finds wrong.
class Walk {
 public:
  Walk(Problems& problems, const Environment& environment)
      : problems_(problems), environment_(environment) {}

  // Goes down one step while it lives.
  class Step {
   public:
    Step(Walk& walk, std::string path, Position position);
    ~Step();
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Walk& walk_;
    std::string path_;
    Position position_;
  };
  [[nodiscard]] Step into_key(std::string_view key, Position position);
  [[nodiscard]] Step into_index(std::size_t index, Position position);

  void fail(std::string what);
  void mismatch(std::string_view got, std::string_view expected);  // "got x, expected y"
  const Position& position() const noexcept { return position_; }
  std::size_t problems() const noexcept { return problems_.count(); }
  const Environment& environment() const noexcept { return environment_; }

 private:
  Problems& problems_;
  const Environment& environment_;
  std::string path_;
  Position position_;
};

// The node's text; where it is no scalar, a mismatch and null.
const std::string* scalar_text(const Node& node, Walk& walk, std::string_view expected);

// A text as shown in a problem: quoted, cut at 60 bytes.
std::string shown(std::string_view text);

// One line of the reference documentation.
struct OptionDoc {
  std::string path;           // retry.attempts, routes[].name, limits.<name>
  std::string accepts;        // "an integer from 1 to 10"
  std::string default_value;  // empty: required
  std::string text;
};

class Rule {
 public:
  virtual ~Rule() = default;

  virtual void read(const Node& node, void* value, Walk& walk) const = 0;
  virtual void check(const void* value, Walk& walk) const = 0;
  virtual std::string accepts() const = 0;
  virtual std::string print(const void* value) const = 0;
  // Adds `doc`, completed, or one line for each option inside; null: there is no default.
  virtual void list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const;
  virtual bool composite() const noexcept { return false; }
};

class SecretRule final : public Rule {
 public:
  void read(const Node& node, void* value, Walk& walk) const override;
  void check(const void*, Walk&) const override {}
  std::string accepts() const override { return "a reference to a secret (env:NAME, file:/path)"; }
  std::string print(const void*) const override { return "none"; }
};

struct Option {
  std::string name;
  std::string text;
  bool required = false;
  std::shared_ptr<const Rule> rule;
  std::function<const void*(const void*)> member;  // of the struct
};

// A struct: its options, and what must hold between them.
class SectionRule final : public Rule {
 public:
  using Violations = std::function<std::vector<std::string>(const void*)>;

  // Throws Error invalid_input when the name is taken: a mistake in describe().
  Option& add(Option option);
  void set_violations(Violations violations) { violations_ = std::move(violations); }

  void read(const Node& node, void* value, Walk& walk) const override;
  void check(const void* value, Walk& walk) const override;
  std::string accepts() const override { return "a map of options"; }
  std::string print(const void*) const override { return "{}"; }
  void list(const void* value, OptionDoc doc, std::vector<OptionDoc>& out) const override;
  bool composite() const noexcept override { return true; }

 private:
  const Option* find(std::string_view name) const noexcept;
  void check_together(const void* value, Walk& walk) const;

  std::vector<std::unique_ptr<Option>> options_;  // their addresses are handed out
  Violations violations_;
};

// A table for docs/reference: option, accepts, default, meaning.
std::string to_markdown(const std::vector<OptionDoc>& options);

}  // namespace sinew::config
