#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/endpoint_set.hpp"

namespace sinew::proxy {

// Envoy's and Istio's outlier detection, by their defaults, without the statistical kinds.
struct OutlierSettings {
  int consecutive_server_errors = 5;             // answers of 500 to 599 in a row; 0: off
  int consecutive_gateway_errors = 0;            // 502, 503, 504 in a row; 0: off
  bool split_local_failures = false;             // count connect failures, timeouts, resets apart
  int consecutive_local_failures = 5;            // of those in a row, if they are split; 0: off
  Duration interval = std::chrono::seconds(10);  // between two sweeps
  Duration base_ejection = std::chrono::seconds(30);  // times the number of ejections
  Duration max_ejection = std::chrono::seconds(300);
  // Of the endpoints, ejected at the same time. 10 percent of fewer than ten endpoints is none, as
  // in Envoy since 1.28, unless always_eject_one, which spares the only endpoint of a cluster.
  int max_ejected_percent = 10;
  bool always_eject_one = false;

  bool operator==(const OutlierSettings&) const = default;
  static void describe(config::Section<OutlierSettings>& section);
  std::vector<std::string> violations() const;
};

// A request that brought no answer.
enum class LocalFailure : std::uint8_t { connect, timeout, reset };

enum class EjectionCause : std::uint8_t { server_errors, gateway_errors, local_failures };
std::string_view to_string(EjectionCause cause) noexcept;

struct EjectionEvent {
  EjectionCause cause;
  bool ejected;              // false: enough in a row, but the share is ejected already
  std::uint32_t multiplier;  // of base_ejection, when ejected
};

// Takes endpoints that fail while others work out of the balancing for a time that grows with each
// ejection and shrinks again with each interval that it was not ejected in.
//
// Shared by workers, immutable but for the endpoints' atomic words; the calls of the request path
// take no lock, allocate nothing and do not throw. sweep() is for one of the workers.
class OutlierDetector {
 public:
  // Throws Error invalid_input listing every violation.
  explicit OutlierDetector(const OutlierSettings& settings);

  // An answer came. Without split_local_failures a local failure counts as one of 503 or 504.
  std::optional<EjectionEvent> answered(Endpoint& endpoint, int status, Instant now) const noexcept;
  std::optional<EjectionEvent> failed(Endpoint& endpoint, LocalFailure failure,
                                      Instant now) const noexcept;
  // A connection was made, or an answer came: ends a row of local failures where they are split.
  // answered() does not say so by itself.
  void connected(Endpoint& endpoint) const noexcept;

  // Every settings().interval: readmits those whose time is over, calling `readmitted` for each,
  // and shortens the next ejection of those that are not ejected.
  void sweep(const EndpointSet& set, Instant now,
             const std::function<void(Endpoint&)>& readmitted) const;
  // At once: an active check succeeded (the caller of ActiveChecks::ended() says so, as Envoy
  // does), or an operator decides. False: it was not ejected.
  bool readmit(Endpoint& endpoint) const noexcept;

  const OutlierSettings& settings() const noexcept { return settings_; }

 private:
  using Kind = ConsecutiveFailures::Kind;

  std::optional<EjectionEvent> count(Endpoint& endpoint, Kind kind, int threshold,
                                     EjectionCause cause, Instant now) const noexcept;
  bool eject(Endpoint& endpoint, Instant now) const noexcept;

  OutlierSettings settings_;
  std::uint32_t max_multiplier_;
};

}  // namespace sinew::proxy
