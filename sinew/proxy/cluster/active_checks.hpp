#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/endpoint_set.hpp"
#include "sinew/proxy/cluster/health_policy.hpp"

namespace sinew::proxy {

// Kong's healthchecks.active, and what it lacks. What a probe sends and where is its sender's.
struct ActiveCheckSettings {
  Duration healthy_interval = Duration::zero();    // between checks of a healthy endpoint; 0: none
  Duration unhealthy_interval = Duration::zero();  // of one that is not; 0: none
  Duration timeout = std::chrono::seconds(1);      // of one check, connecting included
  int concurrency = 10;                            // checks at the same time
  int jitter_percent = 10;  // of the interval, at random in addition, so that checks spread
  std::vector<int> healthy_statuses = {200, 302};
  std::vector<int> unhealthy_statuses = {429, 404, 500, 501, 502, 503, 504, 505};
  HealthThresholds thresholds = {};
  // True: a new endpoint is used until checks say otherwise (Kong). False: not before its first
  // check, which decides alone whatever the thresholds (Envoy).
  bool trust_new_endpoints = true;

  bool operator==(const ActiveCheckSettings&) const = default;
  static void describe(config::Section<ActiveCheckSettings>& section);
  std::vector<std::string> violations() const;
};

// When to check which endpoint, and what the results mean. A new endpoint is checked at once, as
// far as the concurrency allows; then an interval passes between the end of one check and the
// start of the next. Endpoints are equal: the one that waits longest is first.
//
// One owner, off the request path; its work is a look at all endpoints for each call.
class ActiveChecks {
 public:
  // Throws Error invalid_input listing every violation.
  explicit ActiveChecks(const ActiveCheckSettings& settings);

  // Endpoints that were in use before these checks were: none of them is new to use().
  void know(const EndpointSet& set, Instant now);
  // The endpoints from now on. Those that stay keep their times; checks of those that left may
  // still end, and mean nothing.
  void use(const EndpointSet& set, Instant now);

  struct Check {
    std::uint64_t id;
    EndpointPtr endpoint;
    Instant deadline;  // ended(timeout) then
  };
  // The next check that is due. Ask until there is none, then again at wakes_at() and after each
  // ended().
  std::optional<Check> next(Instant now);
  // Instant::max(): only after ended() or use().
  Instant wakes_at() const noexcept;

  // The result of a check. A status on neither list says nothing but ends the check. `random` is 64
  // uniform bits. One that is not known, or reported twice, is ignored.
  std::optional<HealthTransition> ended(std::uint64_t check, HealthSignal signal, Instant now,
                                        std::uint64_t random);
  std::optional<HealthTransition> ended_with_status(std::uint64_t check, int status, Instant now,
                                                    std::uint64_t random);

  std::size_t running() const noexcept { return running_; }

 private:
  struct Place {
    EndpointPtr endpoint;
    Instant due;              // when none is running
    std::uint64_t check = 0;  // the running one; 0: none
  };

  Duration interval_of(const Endpoint& endpoint) const noexcept;
  Place* end(std::uint64_t check) noexcept;
  std::optional<HealthTransition> ended(std::uint64_t check, std::optional<HealthSignal> signal,
                                        Instant now, std::uint64_t random);

  ActiveCheckSettings settings_;
  HealthPolicy policy_;
  std::vector<Place> places_;
  std::vector<std::uint64_t> orphans_;  // running checks of endpoints that left
  std::uint64_t last_check_ = 0;
  std::size_t running_ = 0;
};

}  // namespace sinew::proxy
