#include "sinew/event/cloudevents.hpp"

#include <algorithm>
#include <optional>

#include "sinew/base/base64.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/json.hpp"
#include "sinew/event/cloudevents_attributes.hpp"

namespace sinew::event {
namespace {

// Data in base64 takes a third more; as much again as one attribute may have is room for them.
constexpr JsonLimits limits{.max_bytes =
                                Envelope::max_data_bytes / 3 * 4 +
                                Envelope::max_attribute_bytes * (Envelope::max_extensions + 32)};

void write_data(JsonObject& object, const Envelope& envelope) {
  if (envelope.data.empty()) return;
  if (is_json(envelope.content_type)) {
    try {
      object.append("data", parse_json(envelope.data.view()));
      return;
    } catch (const Error&) {
      // Not JSON in spite of its content type: it travels as bytes.
    }
  }
  object.append("data_base64", to_base64(envelope.data.view()));
}

void read_data(Envelope& envelope, const JsonObject& object) {
  const Json* data = object.find("data");
  const Json* base64 = object.find("data_base64");
  if (data != nullptr && base64 != nullptr) refuse_attribute("data", "stands beside data_base64");
  if (base64 != nullptr && !base64->is_null()) {
    std::optional<std::string> bytes =
        base64->is_string() ? from_base64(base64->as_string()) : std::nullopt;
    if (!bytes) refuse_attribute("data_base64", "is no base64 with padding");
    envelope.data = SharedBytes(std::move(*bytes));
  } else if (data != nullptr && is_json(envelope.content_type)) {
    envelope.data = SharedBytes(to_text(*data));
  } else if (data != nullptr && !data->is_null()) {
    if (!data->is_string())
      refuse_attribute("data", "must be a string when datacontenttype is not JSON");
    envelope.data = SharedBytes(data->as_string());
  }
}

}  // namespace

bool is_cloudevent(std::string_view content_type) noexcept {
  const std::string_view media = content_type.substr(0, cloudevents_content_type.size());
  const std::string_view rest = content_type.substr(media.size());
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return std::ranges::equal(media, cloudevents_content_type, same) &&
         (rest.empty() || rest.front() == ';' || rest.front() == ' ');
}

std::string to_cloudevent(const Envelope& envelope) {
  JsonObject object = write_attributes(envelope);
  write_data(object, envelope);
  return to_text(object);
}

Envelope from_cloudevent(std::string_view text) {
  const Json json = parse_json(text, limits);
  if (!json.is_object()) {
    refuse_attribute("specversion", "is missing: the document is no object");
  }
  Envelope envelope = read_attributes(json.as_object());
  read_data(envelope, json.as_object());
  validate(envelope);
  return envelope;
}

}  // namespace sinew::event
