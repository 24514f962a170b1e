#pragma once

#include <boost/describe.hpp>
#include <string>
#include <vector>

#include "examples/commerce/fulfillment/shipments.hpp"
#include "sinew/base/described.hpp"

namespace commerce::fulfillment {

// GET /shipments: in the order of booking. `next` is the `after` of the next call, also when there
// is nothing new.
struct Manifest {
  std::vector<Shipment> shipments;
  std::string next;
};
BOOST_DESCRIBE_STRUCT(Manifest, (), (shipments, next))

}  // namespace commerce::fulfillment
