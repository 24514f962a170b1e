#include "examples/commerce/fulfillment/carrier_report.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/event/cloudevents.hpp"

namespace commerce::fulfillment {

using sinew::Condition;
using sinew::DocumentError;
using sinew::Error;
using sinew::event::Envelope;

namespace {

[[noreturn]] void refuse(std::string path, std::string why) {
  throw DocumentError({{std::move(path), std::move(why)}});
}

// What cannot be read now is the sender's to mend: it does not become readable by waiting.
Envelope read_envelope(std::string_view cloudevent) {
  try {
    return sinew::event::from_cloudevent(cloudevent);
  } catch (const Error& error) {
    if (error.condition() == Condition::unsupported) refuse("specversion", error.detail());
    throw;
  }
}

CarrierReport read_content(const Envelope& envelope) {
  if (envelope.type != CarrierReport::type.name) {
    refuse("type", fmt::format("expected {}, got {}", CarrierReport::type.name, envelope.type));
  }
  if (!sinew::event::is_json(envelope.content_type)) {
    refuse("datacontenttype", fmt::format("expected JSON, got {}", envelope.content_type));
  }
  try {
    return sinew::event::open<CarrierReport>(envelope);
  } catch (const DocumentError& error) {
    std::vector<sinew::JsonError> errors = error.errors();
    for (auto& wrong : errors)
      wrong.path = wrong.path.empty() ? "data" : "data." + wrong.path;
    throw DocumentError(std::move(errors));
  } catch (const Error& error) {
    refuse(error.condition() == Condition::unsupported ? "dataschema" : "data", error.detail());
  }
}

}  // namespace

SentReport read_report(std::string_view cloudevent) {
  const Envelope envelope = read_envelope(cloudevent);
  return {read_content(envelope), sinew::event::caused_by(envelope)};
}

}  // namespace commerce::fulfillment
