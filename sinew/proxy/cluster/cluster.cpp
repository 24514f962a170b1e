#include "sinew/proxy/cluster/cluster.hpp"

#include <utility>

namespace sinew::proxy {

Cluster::Cluster(ClusterSettings settings, EndpointSetPtr endpoints)
    : settings_(std::move(settings)),
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
