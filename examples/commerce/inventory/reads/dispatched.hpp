#pragma once

#include <boost/describe.hpp>
#include <string>

#include "sinew/base/described.hpp"
#include "sinew/event/upcasters.hpp"

namespace commerce::inventory {

// What inventory reads of fulfillment.shipment.dispatched: whose goods left. A part of its own, so
// that fulfillment may change everything else without asking here.
struct Dispatched {
  static constexpr sinew::event::EventType type{"fulfillment.shipment.dispatched", 1,
                                                sinew::event::protobuf_content_type};
  std::string order_id;
};
BOOST_DESCRIBE_STRUCT(Dispatched, (), (order_id))

}  // namespace commerce::inventory
