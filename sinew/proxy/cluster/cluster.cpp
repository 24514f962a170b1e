#include "sinew/proxy/cluster/cluster.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

constexpr std::uint32_t kMaxHashSlots = 65'536;  // Kong's

void check_probe(const Probe& probe, std::vector<std::string>& found) {
  const auto breaks_a_line = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
  };
  if (probe.kind == Probe::Kind::https && probe.tls == nullptr) {
    found.emplace_back("the probe is https and has no TLS settings");
  }
  if (probe.kind != Probe::Kind::tcp &&
      (!probe.path.starts_with('/') || probe.path.find(' ') != std::string::npos ||
       breaks_a_line(probe.path))) {
    found.push_back(fmt::format("the probe's path {:?} is no path", probe.path));
  }
  if (breaks_a_line(probe.host))
    found.push_back(fmt::format("the probe's host {:?} is no host", probe.host));
  for (const auto& [name, value] : probe.headers) {
    if (name.empty() || breaks_a_line(name) || breaks_a_line(value)) {
      found.push_back(fmt::format("the probe's header {:?} cannot be sent", name));
    }
  }
}

void check_hashing(const ClusterSettings& settings, std::vector<std::string>& found) {
  if (settings.balancer.algorithm != Balancing::consistent_hash) return;
  if (settings.hash_slots == 0 || settings.hash_slots > kMaxHashSlots) {
    found.push_back(fmt::format("hash_slots {}; a cluster that hashes has 1 to {}",
                                settings.hash_slots, kMaxHashSlots));
  }
}

ClusterSettings valid(ClusterSettings settings) {
  const auto found = violations(settings);
  if (found.empty()) return settings;
  throw Error(Condition::invalid_input, fmt::format("cluster {} is not usable:\n  {}",
                                                    settings.name, fmt::join(found, "\n  ")));
}

}  // namespace

std::vector<std::string> violations(const ClusterSettings& settings) {
  std::vector<std::string> found;
  const auto check = [&](auto&& use) {
    try {
      use();
    } catch (const Error& error) {
      found.push_back(error.detail());
    }
  };
  if (settings.name.empty()) found.emplace_back("it has no name");
  check([&] { EndpointRegistry().configure(settings.targets); });
  check([&] { config::require_valid(settings.balancer, "the load balancer"); });
  check_hashing(settings, found);
  check([&] { config::require_valid(settings.pool, "the connection pool"); });
  check([&] { config::require_valid(settings.limits, "the limits"); });
  check([&] { config::require_valid(settings.retry_budget, "the retry budget"); });
  check([&] { config::require_valid(settings.passive, "passive health checking"); });
  if (settings.active) {
    check([&] { config::require_valid(*settings.active, "active health checking"); });
    check_probe(settings.probe, found);
  }
  if (settings.ejection)
    check([&] { config::require_valid(*settings.ejection, "outlier detection"); });
  return found;
}

Cluster::Cluster(ClusterSettings settings, EndpointSetPtr endpoints)
    : settings_(valid(std::move(settings))),
      limits_(settings_.limits),
      retry_budget_(settings_.retry_budget),
      passive_(settings_.passive),
      version_(endpoints->version()),
      endpoints_(std::move(endpoints)) {
  if (settings_.ejection) outliers_.emplace(*settings_.ejection);
}

EndpointSetPtr Cluster::endpoints() const {
  const std::scoped_lock lock(mutex_);
  return endpoints_;
}

void Cluster::set_endpoints(EndpointSetPtr next) {
  const std::scoped_lock lock(mutex_);
  endpoints_ = std::move(next);
  version_.store(endpoints_->version(), std::memory_order_release);
}

}  // namespace sinew::proxy
