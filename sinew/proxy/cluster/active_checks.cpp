#include "sinew/proxy/cluster/active_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/config.hpp"
#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

ActiveCheckSettings valid(const ActiveCheckSettings& settings) {
  config::require_valid(settings, "active health checking");
  return settings;
}

}  // namespace

void ActiveCheckSettings::describe(config::Section<ActiveCheckSettings>& section) {
  using S = ActiveCheckSettings;
  section
      .option("healthy_interval", &S::healthy_interval,
              "between checks of a healthy endpoint; 0: none")
      .range(0s, 65'535s);
  section.option("unhealthy_interval", &S::unhealthy_interval, "between checks of another; 0: none")
      .range(0s, 65'535s);
  section.option("timeout", &S::timeout, "of a check, connecting included").range(1ms, 65'535s);
  section.option("concurrency", &S::concurrency, "checks at the same time").range(1, 1'000);
  section.option("jitter_percent", &S::jitter_percent, "of the interval, at random in addition")
      .range(0, 100);
  section.option("healthy_statuses", &S::healthy_statuses, "that count as success").range(100, 599);
  section.option("unhealthy_statuses", &S::unhealthy_statuses, "that count as http_failure")
      .range(100, 599);
  section.option("thresholds", &S::thresholds, "results in a row that turn an endpoint");
  section.option("trust_new_endpoints", &S::trust_new_endpoints,
                 "use them before their first check");
}

std::vector<std::string> ActiveCheckSettings::violations() const {
  std::vector<std::string> found;
  const bool ever = healthy_interval > 0s || unhealthy_interval > 0s;
  if (!trust_new_endpoints && unhealthy_interval == 0s) {
    found.emplace_back(
        "trust_new_endpoints is false and unhealthy_interval 0: no endpoint would ever be used");
  }
  if (ever && unhealthy_interval > 0s && thresholds.successes == 0) {
    found.emplace_back(
        "unhealthy_interval is set and thresholds.successes 0: checks would never end an outage");
  }
  for (const int status : healthy_statuses) {
    if (std::ranges::find(unhealthy_statuses, status) == unhealthy_statuses.end()) continue;
    found.push_back(fmt::format("status {} is both healthy and unhealthy", status));
  }
  return found;
}

ActiveChecks::ActiveChecks(const ActiveCheckSettings& settings)
    : settings_(valid(settings)),
      policy_(settings.thresholds, StatusSet(settings.healthy_statuses),
              StatusSet(settings.unhealthy_statuses)) {}

void ActiveChecks::know(const EndpointSet& set, Instant now) {
  places_.clear();
  for (const auto& member : set.members())
    places_.push_back({member.endpoint, now});
}

void ActiveChecks::use(const EndpointSet& set, Instant now) {
  std::vector<Place> places;
  places.reserve(set.members().size());
  auto old = places_.begin();
  for (const auto& member : set.members()) {
    // Both are in the order of their addresses.
    while (old != places_.end() && old->endpoint->address() < member.endpoint->address())
      ++old;
    if (old != places_.end() && old->endpoint == member.endpoint) {
      places.push_back(std::move(*old++));
      continue;
    }
    if (!settings_.trust_new_endpoints) set_health(*member.endpoint, HealthState::unchecked);
    places.push_back({member.endpoint, now});
  }
  for (const auto& place : places_) {
    if (place.endpoint && place.check != 0) orphans_.push_back(place.check);
  }
  places_ = std::move(places);
}

Duration ActiveChecks::interval_of(const Endpoint& endpoint) const noexcept {
  return endpoint.health().available() ? settings_.healthy_interval : settings_.unhealthy_interval;
}

std::optional<ActiveChecks::Check> ActiveChecks::next(Instant now) {
  if (running_ >= static_cast<std::size_t>(settings_.concurrency)) return std::nullopt;
  Place* longest = nullptr;
  for (auto& place : places_) {
    const bool due = place.check == 0 && place.due <= now && interval_of(*place.endpoint) > 0s;
    if (due && (longest == nullptr || place.due < longest->due)) longest = &place;
  }
  if (longest == nullptr) return std::nullopt;
  longest->check = ++last_check_;
  ++running_;
  return Check{longest->check, longest->endpoint, now + settings_.timeout};
}

Instant ActiveChecks::wakes_at() const noexcept {
  auto earliest = Instant::max();
  if (running_ >= static_cast<std::size_t>(settings_.concurrency)) return earliest;
  for (const auto& place : places_) {
    if (place.check != 0 || interval_of(*place.endpoint) == 0s) continue;
    earliest = std::min(earliest, place.due);
  }
  return earliest;
}

ActiveChecks::Place* ActiveChecks::end(std::uint64_t check) noexcept {
  if (check == 0) return nullptr;
  if (const auto place = std::ranges::find(places_, check, &Place::check); place != places_.end()) {
    --running_;
    place->check = 0;
    return &*place;
  }
  running_ -= std::erase(orphans_, check);
  return nullptr;
}

std::optional<HealthTransition> ActiveChecks::ended(std::uint64_t check,
                                                    std::optional<HealthSignal> signal, Instant now,
                                                    std::uint64_t random) {
  auto* place = end(check);
  if (place == nullptr) return std::nullopt;
  std::optional<HealthTransition> transition;
  if (signal) transition = policy_.report(*place->endpoint, *signal);
  const auto interval = interval_of(*place->endpoint);
  const auto most = static_cast<std::uint64_t>(interval.count() / 100 * settings_.jitter_percent);
  place->due = now + interval + Duration(below(most + 1, random));
  return transition;
}

std::optional<HealthTransition> ActiveChecks::ended(std::uint64_t check, HealthSignal signal,
                                                    Instant now, std::uint64_t random) {
  return ended(check, std::optional(signal), now, random);
}

std::optional<HealthTransition> ActiveChecks::ended_with_status(std::uint64_t check, int status,
                                                                Instant now, std::uint64_t random) {
  return ended(check, policy_.signal_of(status), now, random);
}

}  // namespace sinew::proxy
