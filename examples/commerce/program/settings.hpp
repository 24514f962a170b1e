#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/payment/provider/provider_client.hpp"
#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/log_settings.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/context/settings.hpp"

namespace commerce::program {

inline constexpr std::uint16_t default_port = 8080;

// Whose books a system's payments are in: the sandbox's, which can be read, or somebody else's.
enum class Provider : bool { sandbox, external };

// The payment provider: the sandbox in a process of its own, or another that speaks Stripe's API.
struct ProviderSettings {
  std::optional<std::string> url;  // nothing: the sandbox
  std::optional<sinew::Secret> api_key;
  payment::ProviderPolicy policy;

  static void describe(sinew::config::Section<ProviderSettings>& section);
  std::vector<std::string> violations() const;
  Provider whose() const noexcept { return url ? Provider::external : Provider::sandbox; }
};

// A system's configuration, a YAML file. examples/commerce/commerce.yaml has every option with its
// default; docs/reference/commerce.md lists them.
struct Settings {
  std::uint16_t port = default_port;   // of sales, the other contexts follow; 0: free ones
  std::uint16_t operator_port = 0;     // 0: a free one
  std::optional<std::size_t> workers;  // nothing: a core each, at most one a context
  sinew::Duration drain = std::chrono::seconds(10);
  sinew::log::Settings log;
  sinew::context::ContextSettings contexts;
  ProviderSettings payment_provider;

  static void describe(sinew::config::Section<Settings>& section);
  std::vector<std::string> violations() const;
};

// What stands in the file, and the rest by default; without a file the defaults. `port` replaces
// the file's. Errors: not_found, unavailable; invalid_input with everything that is wrong, each
// with file and line.
Settings load_settings(const std::filesystem::path& file, std::optional<std::uint16_t> port = {});

}  // namespace commerce::program
