#include "sinew/proxy/cluster/outlier_detector.hpp"

#include <algorithm>

#include "sinew/base/config.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

OutlierSettings valid(const OutlierSettings& settings) {
  config::require_valid(settings, "outlier detection");
  return settings;
}

bool is_gateway_error(int status) noexcept { return status >= 502 && status <= 504; }
bool is_server_error(int status) noexcept { return status >= 500 && status <= 599; }

// The multiplier stops growing one step after base_ejection times it has reached max_ejection, as
// in Envoy, so that calm intervals shorten the next ejection soon.
std::uint32_t max_multiplier(const OutlierSettings& settings) noexcept {
  const auto to_the_maximum =
      (settings.max_ejection + settings.base_ejection - 1ns) / settings.base_ejection;
  return static_cast<std::uint32_t>(std::min<Duration::rep>(to_the_maximum + 1, 10'000));
}

// What Envoy takes a failure for where local ones are not split.
int status_of(LocalFailure failure) noexcept {
  return failure == LocalFailure::timeout ? 504 : 503;
}

}  // namespace

std::string_view to_string(EjectionCause cause) noexcept {
  switch (cause) {
    case EjectionCause::server_errors: return "server_errors";
    case EjectionCause::gateway_errors: return "gateway_errors";
    case EjectionCause::local_failures: return "local_failures";
  }
  return "unknown";
}

void OutlierSettings::describe(config::Section<OutlierSettings>& section) {
  using S = OutlierSettings;
  section.option("consecutive_server_errors", &S::consecutive_server_errors, "5xx in a row; 0: off")
      .range(0, 1'000'000);
  section
      .option("consecutive_gateway_errors", &S::consecutive_gateway_errors,
              "502, 503 or 504 in a row; 0: off")
      .range(0, 1'000'000);
  section.option("split_local_failures", &S::split_local_failures,
                 "count connect failures, timeouts and resets apart from answers");
  section
      .option("consecutive_local_failures", &S::consecutive_local_failures,
              "local failures in a row, where they are split; 0: off")
      .range(0, 1'000'000);
  section.option("interval", &S::interval, "between two looks at who may come back").range(1ms, 1h);
  section
      .option("base_ejection", &S::base_ejection,
              "times the number of ejections: how long one is out")
      .range(1ms, 24h);
  section.option("max_ejection", &S::max_ejection, "how long one is out at most").range(1ms, 24h);
  section
      .option("max_ejected_percent", &S::max_ejected_percent,
              "of the endpoints, out at the same time")
      .range(0, 100);
  section.option("always_eject_one", &S::always_eject_one, "whatever max_ejected_percent says");
}

std::vector<std::string> OutlierSettings::violations() const {
  std::vector<std::string> found;
  if (max_ejection < base_ejection) {
    found.emplace_back("max_ejection is below base_ejection");
  }
  if (consecutive_server_errors == 0 && consecutive_gateway_errors == 0 &&
      (!split_local_failures || consecutive_local_failures == 0)) {
    found.emplace_back("nothing is looked at: leave outlier detection out instead");
  }
  return found;
}

OutlierDetector::OutlierDetector(const OutlierSettings& settings)
    : settings_(valid(settings)), max_multiplier_(max_multiplier(settings_)) {}

std::optional<EjectionEvent> OutlierDetector::answered(Endpoint& endpoint, int status,
                                                       Instant now) const noexcept {
  auto& failures = endpoint.failures();
  if (!is_server_error(status)) {
    failures.clear(Kind::server_error);
    failures.clear(Kind::gateway_error);
    return std::nullopt;
  }
  std::optional<EjectionEvent> by_gateway;
  if (is_gateway_error(status)) {
    by_gateway = count(endpoint, Kind::gateway_error, settings_.consecutive_gateway_errors,
                       EjectionCause::gateway_errors, now);
  } else {
    failures.clear(Kind::gateway_error);
  }
  const auto by_any = count(endpoint, Kind::server_error, settings_.consecutive_server_errors,
                            EjectionCause::server_errors, now);
  return by_gateway ? by_gateway : by_any;
}

std::optional<EjectionEvent> OutlierDetector::failed(Endpoint& endpoint, LocalFailure failure,
                                                     Instant now) const noexcept {
  if (!settings_.split_local_failures) return answered(endpoint, status_of(failure), now);
  return count(endpoint, Kind::local_origin, settings_.consecutive_local_failures,
               EjectionCause::local_failures, now);
}

void OutlierDetector::connected(Endpoint& endpoint) const noexcept {
  if (settings_.split_local_failures) endpoint.failures().clear(Kind::local_origin);
}

std::optional<EjectionEvent> OutlierDetector::count(Endpoint& endpoint, Kind kind, int threshold,
                                                    EjectionCause cause,
                                                    Instant now) const noexcept {
  if (threshold == 0) return std::nullopt;
  if (endpoint.failures().add(kind) < static_cast<std::uint32_t>(threshold)) return std::nullopt;
  // The row begins anew, whether the endpoint is ejected or not.
  endpoint.failures().clear(kind);
  if (endpoint.ejection().ejected()) return std::nullopt;
  const bool ejected = eject(endpoint, now);
  // Another thread counted the same row to its end a moment earlier, and has the event.
  if (!ejected && endpoint.ejection().ejected()) return std::nullopt;
  return EjectionEvent{cause, ejected, endpoint.ejection().multiplier()};
}

bool OutlierDetector::eject(Endpoint& endpoint, Instant now) const noexcept {
  auto& signals = endpoint.signals();
  if (!signals.try_count_ejected(settings_.max_ejected_percent, settings_.always_eject_one)) {
    return false;
  }
  if (!endpoint.ejection().eject(now, max_multiplier_)) {
    signals.uncount_ejected();
    return false;
  }
  signals.changed();
  return true;
}

bool OutlierDetector::readmit(Endpoint& endpoint) const noexcept {
  if (!endpoint.ejection().readmit()) return false;
  // A count that is close to its threshold would have it out again at its first failure.
  endpoint.failures().clear();
  endpoint.signals().uncount_ejected();
  endpoint.signals().changed();
  return true;
}

void OutlierDetector::sweep(const EndpointSet& set, Instant now,
                            const std::function<void(Endpoint&)>& readmitted) const {
  for (const auto& member : set.members()) {
    auto& endpoint = *member.endpoint;
    const auto& ejection = endpoint.ejection();
    if (ejection.ejected()) {
      const auto out =
          std::min(settings_.base_ejection * ejection.multiplier(), settings_.max_ejection);
      if (now - ejection.since() < out) continue;
      if (readmit(endpoint) && readmitted) readmitted(endpoint);
    }
    endpoint.ejection().calm();
  }
}

}  // namespace sinew::proxy
