#include "sinew/event/cloudevents_http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/utf8.hpp"
#include "sinew/event/cloudevents.hpp"
#include "sinew/event/cloudevents_attributes.hpp"

namespace sinew::event {
namespace {

constexpr std::string_view prefix = "ce-";
constexpr std::string_view content_type = "content-type";
// Of every event format: application/cloudevents+json, -batch+json, +xml.
constexpr std::string_view media_prefix = "application/cloudevents";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         std::ranges::equal(text.substr(0, beginning.size()), beginning, {}, lower);
}

// HTTP binding 1.0.2, 3.1.3.2: everything but printable ASCII, and space, quote and percent.
bool stands_for_itself(char c) { return c > ' ' && c <= '~' && c != '"' && c != '%'; }

std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (stands_for_itself(c)) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return result;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Earlier versions of the binding sent quoted strings; they are to be read (3.1.3.2).
std::string unquoted(const HttpField& field) {
  const std::string& value = field.value;
  if (!value.starts_with('"')) return value;
  std::string result;
  std::size_t i = 1;
  for (; i < value.size() && value[i] != '"'; ++i) {
    if (value[i] == '\\' && ++i == value.size()) break;
    result += value[i];
  }
  if (i + 1 != value.size()) refuse_attribute(field.name, "is no whole quoted string");
  return result;
}

// One round of percent-decoding; what needs no escape may have one.
std::string decoded(const HttpField& field) {
  if (field.value.size() > max_http_value_bytes) {
    refuse_attribute(field.name, fmt::format("has {} bytes, at most {} are allowed",
                                             field.value.size(), max_http_value_bytes));
  }
  const std::string text = unquoted(field);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) refuse_attribute(field.name, "has a percent sign without two digits");
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (find_malformed_utf8(result)) refuse_attribute(field.name, "is no UTF-8 when decoded");
  return result;
}

const HttpField* find(std::span<const HttpField> fields, std::string_view name) {
  const auto found = std::ranges::find_if(
      fields, [&](const HttpField& field) { return in_lower_case(field.name) == name; });
  return found == fields.end() ? nullptr : &*found;
}

// CloudEvents 1.0.2, attribute naming: other names can be no attribute of ours.
bool is_attribute_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && std::ranges::all_of(name, allowed);
}

JsonObject attributes_of(std::span<const HttpField> fields) {
  JsonObject attributes;
  for (const HttpField& field : fields) {
    const std::string name = in_lower_case(field.name);
    const bool is_type = name == content_type;
    if (!is_type && !name.starts_with(prefix)) continue;
    const std::string attribute = is_type ? "datacontenttype" : name.substr(prefix.size());
    if (!is_attribute_name(attribute)) refuse_attribute(name, "is no name of an attribute");
    if (name == "ce-datacontenttype") refuse_attribute(name, "is Content-Type in binary mode");
    if (name == "ce-data") refuse_attribute(name, "is no attribute: data is the body");
    if (attributes.find(attribute) != nullptr) refuse_attribute(name, "comes twice");
    if (attributes.size() >= max_http_fields) {
      refuse_attribute(name, fmt::format("is one too many: {} are allowed", max_http_fields));
    }
    attributes.append(attribute, is_type ? field.value : decoded(field));
  }
  return attributes;
}

HttpContent to_binary(const Envelope& envelope) {
  if (begins_with(envelope.content_type, media_prefix)) {
    refuse_attribute("datacontenttype", "is that of a CloudEvent: send it in structured mode");
  }
  HttpContent content{.fields = {{"Content-Type", envelope.content_type}},
                      .body = std::string(envelope.data.view())};
  for (const JsonMember& member : write_attributes(envelope).members()) {
    if (member.name == "datacontenttype") continue;
    const std::string text =
        member.value.is_string() ? member.value.as_string() : to_text(member.value);
    content.fields.push_back({std::string(prefix) + member.name, encoded(text)});
  }
  return content;
}

}  // namespace

bool is_cloudevent_field(std::string_view name) noexcept {
  return begins_with(name, prefix) ||
         (name.size() == content_type.size() && begins_with(name, content_type));
}

HttpContent to_http(const Envelope& envelope, HttpMode mode) {
  if (mode == HttpMode::binary) return to_binary(envelope);
  return {.fields = {{"Content-Type", std::string(cloudevents_content_type)}},
          .body = to_cloudevent(envelope)};
}

HttpMode http_mode(std::span<const HttpField> fields) {
  const HttpField* type = find(fields, content_type);
  if (type != nullptr && is_cloudevent(type->value)) return HttpMode::structured;
  if (type != nullptr && begins_with(type->value, media_prefix)) {
    const bool batch = begins_with(type->value, "application/cloudevents-batch");
    throw Error(Condition::unsupported,
                fmt::format("{}: {}", type->value.substr(0, 60),
                            batch ? "batches are not taken, send one event a request"
                                  : "of the formats of events only JSON is read"));
  }
  if (find(fields, "ce-specversion") != nullptr) return HttpMode::binary;
  refuse_attribute("specversion",
                   "is missing: neither ce-specversion nor the Content-Type "
                   "application/cloudevents+json");
}

Envelope from_http(std::span<const HttpField> fields, std::string_view body) {
  if (http_mode(fields) == HttpMode::structured) return from_cloudevent(body);
  Envelope envelope = read_attributes(attributes_of(fields));
  if (find(fields, content_type) == nullptr && !body.empty()) {
    envelope.content_type = "application/octet-stream";
  }
  if (body.size() <= Envelope::max_data_bytes) {
    envelope.data = SharedBytes(std::string(body));
  } else {
    refuse_attribute("data", fmt::format("has {} bytes, at most {} are allowed", body.size(),
                                         Envelope::max_data_bytes));
  }
  validate(envelope);
  return envelope;
}

}  // namespace sinew::event
