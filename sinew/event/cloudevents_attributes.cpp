#include "sinew/event/cloudevents_attributes.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

constexpr std::string_view specversion = "1.0";
constexpr std::string_view schema_prefix = "urn:sinew:";
constexpr std::string_view foreign_id = "foreignid";
constexpr std::string_view foreign_schema = "foreignschema";
constexpr std::string_view foreign_correlation = "foreigncorrelation";
constexpr std::string_view foreign_causation = "foreigncausation";

// What this codec keeps for itself; from outside it is ignored.
bool is_foreign(std::string_view name) {
  return name == foreign_id || name == foreign_schema || name == foreign_correlation ||
         name == foreign_causation;
}

// Version 5 of the name `sinew:cloudevents` in the namespace of URLs (RFC 9562, 6.6).
Uuid foreign_namespace() {
  static const Uuid id =
      derive_uuid(Uuid::parse("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), "sinew:cloudevents");
  return id;
}

std::string schema_of(const Envelope& envelope) {
  return fmt::format("{}{}:{}", schema_prefix, envelope.type, envelope.version);
}

void set_unless_empty(JsonObject& object, std::string_view name, std::string_view value) {
  if (!value.empty()) object.append(name, value);
}

std::string_view extension(const Envelope& envelope, std::string_view name) {
  const auto found = envelope.extensions.find(std::string(name));
  return found == envelope.extensions.end() ? std::string_view() : found->second;
}

// A foreign id wins over the UUID it was turned into.
void write_id(JsonObject& object, std::string_view name, const Uuid& id, std::string_view foreign) {
  if (!foreign.empty()) {
    object.append(name, foreign);
  } else if (!id.is_nil()) {
    object.append(name, to_string(id));
  }
}

void write_extensions(JsonObject& object, const Envelope& envelope) {
  const Lineage& lineage = envelope.lineage;
  set_unless_empty(object, "partitionkey", envelope.ordering_key);
  write_id(object, "correlationid", lineage.correlation_id,
           extension(envelope, foreign_correlation));
  write_id(object, "causationid", lineage.causation_id, extension(envelope, foreign_causation));
  set_unless_empty(object, "traceparent", lineage.traceparent);
  if (lineage.hops != 0) object.append("hops", lineage.hops);
  set_unless_empty(object, "replyto", envelope.reply_to);
  for (const auto& [name, value] : envelope.extensions) {
    if (!is_foreign(name)) object.append(name, value);
  }
}

// CloudEvents has strings, integers and booleans in JSON; an extension keeps the canonical text of
// its value.
std::string attribute_text(std::string_view name, const Json& value) {
  switch (value.kind()) {
    case JsonKind::string: return value.as_string();
    case JsonKind::boolean: return value.as_bool() ? "true" : "false";
    case JsonKind::integer: return std::to_string(value.as_integer());
    default: refuse_attribute(name, "must be a string, an integer or a boolean");
  }
}

class Reader {
 public:
  explicit Reader(const JsonObject& object) : object_(object) {}

  // Null means absent (CloudEvents JSON format, 2.2).
  std::string text(std::string_view name) const {
    const Json* value = object_.find(name);
    return value == nullptr || value->is_null() ? std::string() : attribute_text(name, *value);
  }

  std::string required(std::string_view name) const {
    const Json* value = object_.find(name);
    if (value == nullptr || value->is_null()) refuse_attribute(name, "is missing");
    if (!value->is_string() || value->as_string().empty())
      refuse_attribute(name, "must be a string");
    return value->as_string();
  }

 private:
  const JsonObject& object_;
};

// The UUID that `text` spells canonically; otherwise one derived from `scope` and it, and the text
// itself as an extension.
Uuid read_id(Envelope& envelope, std::string_view text, std::string_view scope,
             std::string_view kept_as) {
  const std::optional<Uuid> id = Uuid::try_parse(text);
  if (id && !id->is_nil() && to_string(*id) == text) return *id;
  envelope.extensions.emplace(kept_as, text);
  return derive_uuid(foreign_namespace(), fmt::format("{}\n{}", scope, text));
}

void read_schema(Envelope& envelope, const std::string& schema) {
  if (schema.empty()) return;
  if (!schema.starts_with(schema_prefix)) {
    envelope.extensions.emplace(foreign_schema, schema);
    return;
  }
  const std::size_t colon = schema.rfind(':');
  const char* end = schema.data() + schema.size();
  const auto [stop, error] = std::from_chars(schema.data() + colon + 1, end, envelope.version);
  if (error != std::errc() || stop != end || schema != schema_of(envelope)) {
    refuse_attribute("dataschema",
                     fmt::format("must be {}{}:<version>", schema_prefix, envelope.type));
  }
}

void read_lineage(Envelope& envelope, const Reader& reader) {
  Lineage& lineage = envelope.lineage;
  if (const std::string id = reader.text("correlationid"); !id.empty()) {
    lineage.correlation_id = read_id(envelope, id, "correlation", foreign_correlation);
  }
  if (const std::string id = reader.text("causationid"); !id.empty()) {
    lineage.causation_id = read_id(envelope, id, envelope.source, foreign_causation);
  }
  lineage.traceparent = reader.text("traceparent");
  if (const std::string hops = reader.text("hops"); !hops.empty()) {
    const char* end = hops.data() + hops.size();
    const auto [stop, error] = std::from_chars(hops.data(), end, lineage.hops);
    if (error != std::errc() || stop != end) refuse_attribute("hops", "must be an integer");
  }
}

bool is_own_attribute(std::string_view name) {
  return is_reserved_attribute(name) || is_foreign(name) || name == "data_base64";
}

}  // namespace

void refuse_attribute(std::string_view attribute, std::string_view why) {
  throw DocumentError({{std::string(attribute), std::string(why)}});
}

JsonObject write_attributes(const Envelope& envelope) {
  validate(envelope);
  JsonObject object;
  object.append("specversion", specversion);
  write_id(object, "id", envelope.id, extension(envelope, foreign_id));
  object.append("source", envelope.source);
  object.append("type", envelope.type);
  set_unless_empty(object, "subject", envelope.subject);
  if (envelope.time != Timestamp()) object.append("time", to_rfc3339(envelope.time));
  object.append("datacontenttype", envelope.content_type);
  const std::string_view schema = extension(envelope, foreign_schema);
  object.append("dataschema", schema.empty() ? schema_of(envelope) : std::string(schema));
  write_extensions(object, envelope);
  return object;
}

Envelope read_attributes(const JsonObject& attributes) {
  const Reader reader(attributes);
  if (const std::string version = reader.required("specversion"); version != specversion) {
    throw Error(Condition::unsupported,
                fmt::format("a CloudEvent of specversion \"{}\" cannot be read, only {}",
                            version.substr(0, 20), specversion));
  }
  Envelope envelope;
  envelope.source = reader.required("source");
  envelope.type = reader.required("type");
  envelope.id = read_id(envelope, reader.required("id"), envelope.source, foreign_id);
  envelope.subject = reader.text("subject");
  envelope.ordering_key = reader.text("partitionkey");
  envelope.reply_to = reader.text("replyto");
  if (const std::string time = reader.text("time"); !time.empty()) {
    const std::optional<Timestamp> parsed = try_parse_rfc3339(time);
    if (!parsed) refuse_attribute("time", "is no RFC 3339 time");
    envelope.time = *parsed;
  }
  if (std::string type = reader.text("datacontenttype"); !type.empty()) {
    envelope.content_type = std::move(type);
  }
  read_schema(envelope, reader.text("dataschema"));
  read_lineage(envelope, reader);
  for (const JsonMember& member : attributes.members()) {
    if (is_own_attribute(member.name) || member.value.is_null()) continue;
    envelope.extensions.emplace(member.name, attribute_text(member.name, member.value));
  }
  return envelope;
}

}  // namespace sinew::event
