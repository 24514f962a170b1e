#include "sinew/event/envelope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "sinew/base/json_reader.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::event {
namespace {

[[noreturn]] void refuse(std::string_view attribute, std::string_view why) {
  throw DocumentError({{std::string(attribute), std::string(why)}});
}

// CloudEvents 1.0.2, "String": no control characters, no unpaired surrogates.
bool plain_text(std::string_view text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::none_of(text.begin(), text.end(), control) && !find_malformed_utf8(text);
}

void check_text(std::string_view attribute, std::string_view text) {
  if (text.size() > Envelope::max_attribute_bytes) {
    refuse(attribute, fmt::format("has {} bytes, at most {} are allowed", text.size(),
                                  Envelope::max_attribute_bytes));
  }
  if (!plain_text(text)) refuse(attribute, "must be UTF-8 without control characters");
}

void check_required(std::string_view attribute, std::string_view text) {
  if (text.empty()) refuse(attribute, "must not be empty");
  check_text(attribute, text);
}

void check_extension_name(std::string_view name) {
  constexpr std::size_t max_name = 20;
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > max_name || !std::all_of(name.begin(), name.end(), allowed)) {
    refuse(fmt::format("\"{}\"", first_characters(name, 40)),
           "is no valid name: an extension has 1 to 20 of a-z and 0-9");
  }
  if (is_reserved_attribute(name)) refuse(name, "is not an extension: it has a member of its own");
}

void check_lineage(const Lineage& lineage) {
  if (lineage.hops < 0 || lineage.hops > Lineage::max_hops) {
    refuse("hops", fmt::format("is {}, at most {} are allowed: do two contexts answer each other "
                               "for ever?",
                               lineage.hops, Lineage::max_hops));
  }
  check_text("traceparent", lineage.traceparent);
}

}  // namespace

bool is_reserved_attribute(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 15> names = {
      "id",          "source",      "specversion", "type",         "datacontenttype",
      "dataschema",  "subject",     "time",        "data",         "correlationid",
      "causationid", "traceparent", "hops",        "partitionkey", "replyto"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_json(std::string_view content_type) noexcept {
  std::string_view media = content_type.substr(0, content_type.find(';'));
  while (media.ends_with(' '))
    media.remove_suffix(1);
  constexpr std::string_view json = "json";
  if (media.size() <= json.size()) return false;
  const std::string_view suffix = media.substr(media.size() - json.size());
  const char before = media[media.size() - json.size() - 1];
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return (before == '/' || before == '+') &&
         std::equal(suffix.begin(), suffix.end(), json.begin(), same);
}

void validate(const Envelope& envelope) {
  if (envelope.id.is_nil()) refuse("id", "must not be nil");
  check_required("source", envelope.source);
  check_required("type", envelope.type);
  if (envelope.version < 1) refuse("dataschema", "must name a version from 1");
  check_text("subject", envelope.subject);
  check_text("partitionkey", envelope.ordering_key);
  check_text("replyto", envelope.reply_to);
  check_required("datacontenttype", envelope.content_type);
  check_lineage(envelope.lineage);
  if (envelope.extensions.size() > Envelope::max_extensions) {
    refuse("extensions", fmt::format("are {}, at most {} are allowed", envelope.extensions.size(),
                                     Envelope::max_extensions));
  }
  for (const auto& [name, value] : envelope.extensions) {
    check_extension_name(name);
    check_text(name, value);
  }
  if (envelope.data.size() > Envelope::max_data_bytes) {
    refuse("data", fmt::format("has {} bytes, at most {} are allowed: send a reference instead",
                               envelope.data.size(), Envelope::max_data_bytes));
  }
}

Lineage caused_by(const Envelope& cause) {
  Lineage lineage = cause.lineage;
  if (lineage.correlation_id.is_nil()) lineage.correlation_id = cause.id;
  lineage.causation_id = cause.id;
  lineage.hops += 1;
  check_lineage(lineage);
  return lineage;
}

}  // namespace sinew::event
