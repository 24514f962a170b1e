#include "sinew/proxy/cluster/health_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/config.hpp"

namespace sinew::proxy {

void PassiveHealthSettings::describe(config::Section<PassiveHealthSettings>& section) {
  using S = PassiveHealthSettings;
  section.option("healthy_statuses", &S::healthy_statuses, "that count as success").range(100, 599);
  section.option("unhealthy_statuses", &S::unhealthy_statuses, "that count as http_failure")
      .range(100, 599);
  section.option("thresholds", &S::thresholds, "signals in a row that turn an endpoint");
}

std::vector<std::string> PassiveHealthSettings::violations() const {
  std::vector<std::string> found;
  for (const int status : healthy_statuses) {
    if (std::ranges::find(unhealthy_statuses, status) == unhealthy_statuses.end()) continue;
    found.push_back(fmt::format("status {} is both healthy and unhealthy", status));
  }
  return found;
}

HealthPolicy::HealthPolicy(const PassiveHealthSettings& settings)
    : HealthPolicy(settings.thresholds, StatusSet(settings.healthy_statuses),
                   StatusSet(settings.unhealthy_statuses)) {
  config::require_valid(settings, "passive health checking");
}

std::optional<HealthSignal> HealthPolicy::signal_of(int status) const noexcept {
  if (healthy_.contains(status)) return HealthSignal::success;
  if (unhealthy_.contains(status)) return HealthSignal::http_failure;
  return std::nullopt;
}

std::optional<HealthTransition> HealthPolicy::report(Endpoint& endpoint,
                                                     HealthSignal signal) const noexcept {
  const auto transition = endpoint.health().report(signal, thresholds_);
  if (transition) endpoint.signals().changed();
  return transition;
}

std::optional<HealthTransition> HealthPolicy::report_status(Endpoint& endpoint,
                                                            int status) const noexcept {
  const auto signal = signal_of(status);
  if (!signal) return std::nullopt;
  return report(endpoint, *signal);
}

bool set_health(Endpoint& endpoint, HealthState state) noexcept {
  const bool turned = endpoint.health().set(state) != state;
  if (turned) endpoint.signals().changed();
  return turned;
}

}  // namespace sinew::proxy
