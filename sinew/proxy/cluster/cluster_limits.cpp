#include "sinew/proxy/cluster/cluster_limits.hpp"

#include <limits>

#include "sinew/base/config.hpp"

namespace sinew::proxy {
namespace {

constexpr std::int64_t kUnlimited = std::numeric_limits<std::uint32_t>::max();  // Istio's default

}  // namespace

std::string_view to_string(ClusterLimit limit) noexcept {
  switch (limit) {
    case ClusterLimit::connections: return "connections";
    case ClusterLimit::pending: return "pending";
    case ClusterLimit::requests: return "requests";
    case ClusterLimit::retries: return "retries";
  }
  return "unknown";
}

void ClusterLimitSettings::describe(config::Section<ClusterLimitSettings>& section) {
  using S = ClusterLimitSettings;
  section.option("max_connections", &S::max_connections, "open or being opened")
      .range(1, kUnlimited);
  section.option("max_pending", &S::max_pending, "requests that wait for a connection")
      .range(0, kUnlimited);
  section.option("max_requests", &S::max_requests, "requests at the same time")
      .range(1, kUnlimited);
  section.option("max_retries", &S::max_retries, "retries at the same time").range(0, kUnlimited);
}

ClusterLimits::ClusterLimits(const ClusterLimitSettings& settings) { configure(settings); }

void ClusterLimits::configure(const ClusterLimitSettings& settings) {
  config::require_valid(settings, "the limits of a cluster");
  const auto set = [this](ClusterLimit limit, std::int64_t maximum) {
    place(limit).maximum.store(maximum, std::memory_order_relaxed);
  };
  set(ClusterLimit::connections, settings.max_connections);
  set(ClusterLimit::pending, settings.max_pending);
  set(ClusterLimit::requests, settings.max_requests);
  set(ClusterLimit::retries, settings.max_retries);
}

std::optional<ClusterLimits::Permit> ClusterLimits::try_take(ClusterLimit limit) noexcept {
  auto& [in_use, maximum, refused] = place(limit);
  auto count = in_use.load(std::memory_order_relaxed);
  do {
    if (count >= maximum.load(std::memory_order_relaxed)) {
      refused.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
  } while (!in_use.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
  return Permit(in_use);
}

ClusterLimits::Use ClusterLimits::use(ClusterLimit limit) const noexcept {
  const auto& [in_use, maximum, refused] = places_[static_cast<std::size_t>(limit)];
  return {in_use.load(std::memory_order_relaxed), maximum.load(std::memory_order_relaxed),
          refused.load(std::memory_order_relaxed)};
}

}  // namespace sinew::proxy
