#pragma once

#include <string>
#include <string_view>

#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/http/headers.hpp"

namespace commerce::fulfillment {

// What a carrier signs, and what is kept of its report. In CloudEvents' structured mode that is the
// body. In binary mode the attributes are header fields and must be signed as well: it is a line
// `<name in lower case>: <value>` for each of them and for Content-Type, by name, then an empty
// line and the body.
std::string signed_text(const sinew::http::Headers& headers, std::string_view body);

// A carrier's report as it stands in a CloudEvent.
struct SentReport {
  CarrierReport content;
  sinew::event::Lineage lineage;  // of what the report brings about
};

// `text` is signed_text(). Throws DocumentError with everything that is wrong: an attribute of the
// envelope, such as `type`, or a member of the report, such as `data.order_id`.
SentReport read_report(std::string_view text);

}  // namespace commerce::fulfillment
