#include "examples/commerce/encodings/encodings.hpp"

#include <memory>

#include "adapters/protobuf/codec.hpp"
#include "examples/commerce/fulfillment/contract/fulfillment.shipment.dispatched.v1.pb.h"
#include "examples/commerce/fulfillment/contract/shipments.hpp"

namespace commerce {

sinew::event::Codecs event_codecs() {
  auto protobuf = std::make_shared<sinew::protobuf::Codec>();
  protobuf->add(fulfillment::ShipmentDispatched::type.name, 1,
                fulfillment::v1::ShipmentDispatched::default_instance());
  sinew::event::Codecs codecs;
  codecs.add(std::move(protobuf));
  return codecs;
}

}  // namespace commerce
