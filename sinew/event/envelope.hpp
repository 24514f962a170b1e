#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "sinew/base/bytes.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"

namespace sinew::event {

// Where a message comes from, carried by every envelope, event, outbox, inbox and saga row.
struct Lineage {
  Uuid correlation_id{};      // the business process; nil: none
  Uuid causation_id{};        // the message that caused this one; nil: none
  std::string traceparent{};  // W3C trace context of the creator; empty: none
  std::int32_t hops = 0;      // messages between the first cause and this one; loop guard

  static constexpr std::int32_t max_hops = 64;

  friend bool operator==(const Lineage&, const Lineage&) = default;
};

// One message in CloudEvents 1.0.2 terms. `type` carries no version; `version` is the schema
// version of the data and travels in `dataschema`. The pair (source, id) is unique: a consumer
// deduplicates by it. Copying is cheap in the data, which is shared and immutable.
struct Envelope {
  Uuid id{};
  std::string source{};        // URI reference of the publishing context, such as /sales
  std::string type{};          // such as sales.order.placed
  std::int32_t version = 1;    // from 1
  std::string subject{};       // the entity it is about; empty: none
  std::string ordering_key{};  // CloudEvents partitionkey: messages of one key stay in order
  std::string reply_to{};      // queue that waits for an answer; empty: none
  Timestamp time{};
  std::string content_type = "application/json";
  Lineage lineage{};
  std::map<std::string, std::string> extensions{};  // further attributes, names [a-z0-9]{1,20}
  SharedBytes data{};

  static constexpr std::size_t max_data_bytes = 1024 * 1024;
  static constexpr std::size_t max_attribute_bytes = 1024;
  static constexpr std::size_t max_extensions = 32;

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// Throws DocumentError, the attribute being the path: no id, source or type; a version below 1; an
// attribute beyond max_attribute_bytes or with a control character; an extension's name that is not
// [a-z0-9]{1,20} or is an attribute's own; hops outside 0 to Lineage::max_hops; data beyond
// max_data_bytes.
void validate(const Envelope& envelope);

// Whether CloudEvents or Sinew gives the attribute a member of Envelope, so that no extension may
// have its name.
bool is_reserved_attribute(std::string_view name) noexcept;

// Whether a content type is JSON: its subtype is json, or ends in +json (RFC 6839, 3.1).
bool is_json(std::string_view content_type) noexcept;

// The lineage of a message that `cause` brought about: in the same process, one hop further. The
// trace context is the cause's; whoever works under a span of its own replaces it. Throws Error
// invalid_input beyond Lineage::max_hops: two contexts answer each other for ever.
Lineage caused_by(const Envelope& cause);

}  // namespace sinew::event
