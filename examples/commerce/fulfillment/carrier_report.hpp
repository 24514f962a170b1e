#pragma once

#include <string_view>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "sinew/event/envelope.hpp"

namespace commerce::fulfillment {

// A carrier's report as it stands in a CloudEvent.
struct SentReport {
  CarrierReport content;
  sinew::event::Lineage lineage;  // of what the report brings about
};

// Throws DocumentError with everything that is wrong: an attribute of the envelope, such as `type`,
// or a member of the report, such as `data.order_id`.
SentReport read_report(std::string_view cloudevent);

}  // namespace commerce::fulfillment
