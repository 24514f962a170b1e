#include "sinew/async/sim/faults.hpp"

namespace sinew::async::sim {

bool Faults::maybe(double probability, std::string_view name) {
  auto found = sites_.find(name);
  if (found == sites_.end()) {
    std::uint64_t hash = mix(seed_);
    for (const char letter : name)
      hash = mix(hash ^ static_cast<unsigned char>(letter));
    Site site;
    site.enabled = Random(hash).chance(enabled_share_);
    found = sites_.emplace(std::string(name), site).first;
  }
  Site& site = found->second;
  ++site.asked;
  if (stopped_ || !site.enabled || !random_.chance(probability)) return false;
  ++site.fired;
  return true;
}

}  // namespace sinew::async::sim
