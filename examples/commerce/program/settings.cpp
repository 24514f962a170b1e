#include "examples/commerce/program/settings.hpp"

#include <fmt/format.h>

#include <iterator>
#include <limits>

#include "examples/commerce/program/layout.hpp"
#include "sinew/base/config.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::program {

using namespace std::chrono_literals;
using sinew::config::Section;

void ProviderSettings::describe(Section<ProviderSettings>& section) {
  section
      .option("url", &ProviderSettings::url,
              "of what speaks Stripe's API, without a slash at the end; null: the sandbox")
      .length(1, 2'000);
  section.option("api_key", &ProviderSettings::api_key, "of the provider at `url`");
  section.option("policy", &ProviderSettings::policy, "how patient payment is with it");
}

std::vector<std::string> ProviderSettings::violations() const {
  if (!url) {
    if (!api_key) return {};
    return {"api_key is given, but no url: the sandbox draws a key of its own"};
  }
  std::vector<std::string> out;
  const auto parsed = sinew::wire::parse_url(*url);
  if (!parsed || parsed->scheme != "http" || url->ends_with('/')) {
    out.push_back(
        fmt::format("url ({}) is none like http://payments.example:8080: http, without a "
                    "slash at the end",
                    *url));
  }
  if (!api_key) out.emplace_back("url is given, but no api_key");
  return out;
}

void Settings::describe(Section<Settings>& section) {
  section
      .option("port", &Settings::port,
              "of sales; the other contexts have the next four; 0: free ones")
      .range(0, 65'535);
  section.option("operator_port", &Settings::operator_port, "of the operator API; 0: a free one")
      .range(0, 65'535);
  section
      .option("workers", &Settings::workers,
              "threads for the contexts; null: a core each, at most one a context")
      .range(1, std::size(context_names));
  section.option("drain", &Settings::drain, "for what is under way when the system stops")
      .range(0s, 10min);
  section.option("log", &Settings::log, "the files under log/ in the system's folder");
  section.option("contexts", &Settings::contexts, "what every context gets");
  section.option("payment_provider", &Settings::payment_provider, "whom payment asks");
}

std::vector<std::string> Settings::violations() const {
  constexpr auto contexts_served = static_cast<int>(std::size(context_names));
  if (port + contexts_served - 1 <= std::numeric_limits<std::uint16_t>::max()) return {};
  return {fmt::format("port: the {} contexts take the ports from {} on, and the last port is 65535",
                      contexts_served, port)};
}

Settings load_settings(const std::filesystem::path& file, std::optional<std::uint16_t> port) {
  auto settings = file.empty() ? Settings{} : sinew::config::load<Settings>(file);
  if (port) settings.port = *port;
  sinew::config::require_valid(settings, "the configuration");
  return settings;
}

}  // namespace commerce::program
