#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/gateway/configuration.hpp"

namespace {

using namespace sinew;

std::optional<std::string> no_environment(const std::string&) { return std::nullopt; }

}  // namespace

// Any text is a configuration or has errors, by line; every index of a configuration leads
// somewhere; the same text gives the same ids.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // No file may be read because a byte was changed.
  if (text.find("file:") != std::string_view::npos) return 0;
  const auto reading = gateway::read_configuration(text, "fuzz", no_environment);
  if (reading.configuration.has_value() != (reading.error_count == 0)) std::abort();
  if (reading.errors.size() > config::Problems::kMaxKept) std::abort();
  for (std::size_t i = 1; i < reading.errors.size(); ++i) {
    if (reading.errors[i - 1].position.line > reading.errors[i].position.line) std::abort();
  }
  if (!reading.configuration) return 0;
  const auto& read = *reading.configuration;
  const auto again = gateway::read_configuration(text, "fuzz", no_environment);
  for (std::size_t i = 0; i < read.routes.size(); ++i) {
    if (read.routes[i].service >= read.services.size()) std::abort();
    if (read.routes[i].id != again.configuration->routes[i].id) std::abort();
  }
  for (const auto& service : read.services) {
    if (service.host.text.empty()) std::abort();
    if (service.upstream && *service.upstream >= read.upstreams.size()) std::abort();
  }
  return 0;
}
