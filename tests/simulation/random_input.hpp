#pragma once

#include <cstdint>

#include "examples/commerce/replay/input.hpp"
#include "sinew/async/sim/random.hpp"

namespace commerce::simulation {

// A small input: 6 to 12 orders for three products, of which one is scarce; some are paid with a
// declined card, some want a carrier that there is not, some leave the house. Its totals are those
// of everything it sends.
replay::Input random_input(sinew::async::sim::Random& random);

// What must become of an order, whatever happens on the way.
enum class Fate : std::uint8_t {
  confirmed,
  rejected,
  either,  // it wants the scarce product: who comes first gets it
};
Fate fate_of(const sales::PlaceOrder& order);

}  // namespace commerce::simulation
