#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/json.hpp"

namespace sinew {

// Collects the definitions of the structs and enums that a schema refers to, each once.
class SchemaWriter {
 public:
  // `prefix` is where the definitions will stand: OpenAPI has them in `#/components/schemas/`.
  explicit SchemaWriter(std::string prefix = "#/$defs/") : prefix_(std::move(prefix)) {}

  struct Definition {
    std::string name;
    bool is_new;  // then the caller builds it and calls define
  };

  // The name under which the C++ type `full_name` (`shop::OrderLine`) is defined: its last part,
  // with a number behind it when another type has that already.
  Definition enter(std::string_view full_name);
  void define(const std::string& name, JsonObject schema);
  JsonObject reference(const std::string& name) const;

  // In the order in which they were first referred to.
  const JsonObject& definitions() const noexcept { return definitions_; }

 private:
  struct Known {
    std::string full_name;
    std::string name;
  };

  std::string prefix_;
  std::vector<Known> known_;
  JsonObject definitions_;
};

// `shop::OrderLine` becomes `OrderLine`.
std::string_view last_name(std::string_view full_name) noexcept;

// The whole document: draft 2020-12, with the root's schema, its definitions and its address
// (`$id`, left out when empty).
Json schema_document(std::string_view id, std::string_view title, const JsonObject& root,
                     const JsonObject& definitions);

}  // namespace sinew
