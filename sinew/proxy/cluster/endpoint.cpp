#include "sinew/proxy/cluster/endpoint.hpp"

#include <fmt/format.h>

#include "sinew/base/hash.hpp"
#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

std::uint64_t next_id() noexcept {
  static std::atomic<std::uint64_t> last = 0;
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint64_t hash_of(const EndpointAddress& address) {
  return mix(stable_hash(fmt::format("{}|{}|{}", address.host, address.address, address.port)));
}

}  // namespace

bool ClusterSignals::try_count_ejected(int percent, bool always_one) noexcept {
  const std::uint64_t allowed = std::uint64_t{members()} * static_cast<std::uint64_t>(percent);
  auto ejected = ejected_.load(std::memory_order_relaxed);
  do {
    const bool within = (std::uint64_t{ejected} + 1) * 100 <= allowed;
    // To have none is no better than to have a bad one.
    const bool first_of_several = ejected == 0 && members() > 1;
    if (!within && !(always_one && first_of_several)) return false;
  } while (!ejected_.compare_exchange_weak(ejected, ejected + 1, std::memory_order_relaxed));
  return true;
}

Endpoint::Endpoint(EndpointAddress address, std::shared_ptr<ClusterSignals> signals)
    : id_(next_id()),
      hash_(hash_of(address)),
      signals_(std::move(signals)),
      address_(std::move(address)) {}

}  // namespace sinew::proxy
