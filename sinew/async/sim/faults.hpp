#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sinew/async/sim/random.hpp"

namespace sinew::async::sim {

// Places in ports and tests where something unlikely may happen, each asked for by name. A seed
// enables only some of the sites, so that seeds differ in kind (swarm testing): a fault that always
// comes first would hide those behind it. Whether a site is enabled depends on the seed and its
// name alone.
class Faults {
 public:
  struct Site {
    bool enabled = false;
    std::uint64_t asked = 0;
    std::uint64_t fired = 0;
  };
  using Sites = std::map<std::string, Site, std::less<>>;

  Faults(std::uint64_t seed, double enabled_share, Random& random) noexcept
      : seed_(seed), enabled_share_(enabled_share), random_(random) {}

  bool maybe(double probability, std::string_view site);
  // From here on nothing fires: for the last phase of a test, in which all must come to rest.
  void stop() noexcept { stopped_ = true; }
  const Sites& sites() const noexcept { return sites_; }

 private:
  std::uint64_t seed_;
  double enabled_share_;
  Random& random_;
  bool stopped_ = false;
  Sites sites_;
};

}  // namespace sinew::async::sim
