#include "examples/commerce/fulfillment/carrier_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/event/cloudevents.hpp"
#include "sinew/event/cloudevents_http.hpp"

namespace commerce::fulfillment {

using sinew::Condition;
using sinew::DocumentError;
using sinew::Error;
using sinew::event::Envelope;
using sinew::event::HttpField;

namespace {

[[noreturn]] void refuse(std::string path, std::string why) {
  throw DocumentError({{std::move(path), std::move(why)}});
}

// The text of binary mode begins with the first of these; that of structured mode is JSON.
constexpr std::string_view attribute_prefix = "ce-";

std::string in_lower_case(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return name;
}

// The inverse of signed_text() for binary mode.
Envelope read_binary(std::string_view text) {
  std::vector<HttpField> fields;
  while (!text.starts_with('\n')) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos || line.size() == text.size()) {
      refuse("", "the report has no end of its header fields");
    }
    fields.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
    text.remove_prefix(line.size() + 1);
  }
  return sinew::event::from_http(fields, text.substr(1));
}

// What cannot be read now is the sender's to mend: it does not become readable by waiting.
Envelope read_envelope(std::string_view text) {
  try {
    if (text.starts_with(attribute_prefix)) return read_binary(text);
    return sinew::event::from_cloudevent(text);
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

std::string signed_text(const sinew::http::Headers& headers, std::string_view body) {
  std::vector<HttpField> fields = sinew::event::cloudevent_fields(headers);
  for (HttpField& field : fields)
    field.name = in_lower_case(std::move(field.name));
  std::ranges::sort(fields, [](const HttpField& a, const HttpField& b) {
    return std::tie(a.name, a.value) < std::tie(b.name, b.value);
  });
  if (fields.empty() || !fields.front().name.starts_with(attribute_prefix)) {
    return std::string(body);
  }
  std::string text;
  for (const HttpField& field : fields)
    text += fmt::format("{}: {}\n", field.name, field.value);
  return text + '\n' + std::string(body);
}

SentReport read_report(std::string_view text) {
  const Envelope envelope = read_envelope(text);
  return {read_content(envelope), sinew::event::caused_by(envelope)};
}

}  // namespace commerce::fulfillment
