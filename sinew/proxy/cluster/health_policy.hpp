#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/proxy/cluster/endpoint.hpp"
#include "sinew/proxy/cluster/status_set.hpp"

namespace sinew::proxy {

// What traffic says about an endpoint's health: Kong's healthchecks.passive. By default nothing.
struct PassiveHealthSettings {
  std::vector<int> healthy_statuses = {200, 201, 202, 203, 204, 205, 206, 207, 208, 226,
                                       300, 301, 302, 303, 304, 305, 306, 307, 308};
  std::vector<int> unhealthy_statuses = {429, 500, 503};
  HealthThresholds thresholds = {};

  bool operator==(const PassiveHealthSettings&) const = default;
  static void describe(config::Section<PassiveHealthSettings>& section);
  std::vector<std::string> violations() const;
};

// Turns what happened into signals, and signals into transitions. Immutable; shared by workers. No
// call takes a lock, allocates or throws.
class HealthPolicy {
 public:
  HealthPolicy(const HealthThresholds& thresholds, StatusSet healthy, StatusSet unhealthy) noexcept
      : thresholds_(thresholds), healthy_(healthy), unhealthy_(unhealthy) {}
  // Throws Error invalid_input listing every violation.
  explicit HealthPolicy(const PassiveHealthSettings& settings);

  // Nothing: a status that is on neither list says nothing.
  std::optional<HealthSignal> signal_of(int status) const noexcept;

  // The endpoint's transition, if this made one, to be logged and counted by the caller. Its
  // balancers know by then.
  std::optional<HealthTransition> report(Endpoint& endpoint, HealthSignal signal) const noexcept;
  std::optional<HealthTransition> report_status(Endpoint& endpoint, int status) const noexcept;

 private:
  HealthThresholds thresholds_;
  StatusSet healthy_;
  StatusSet unhealthy_;
};

// What an operator decides (Kong's PUT .../healthy and .../unhealthy): what was counted so far no
// longer counts. Checks and traffic may turn the endpoint again. False: it was so before.
bool set_health(Endpoint& endpoint, HealthState state) noexcept;

}  // namespace sinew::proxy
