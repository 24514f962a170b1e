#pragma once

#include <cstddef>
#include <vector>

#include "sinew/base/json.hpp"
#include "sinew/base/json_reader.hpp"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

// Between messages and JSON objects; codec.hpp says how.
namespace sinew::protobuf {

// Every field, also of messages within, that no member can stand for.
std::vector<JsonError> unmappable(const google::protobuf::Descriptor& descriptor);

// Throws DocumentError with every member that the message cannot carry.
void fill(google::protobuf::Message& message, const JsonObject& data);

// Throws Error invalid_input for more than `max_values` values, for an enum's number without a name
// and for what JSON cannot write (infinities).
JsonObject read(const google::protobuf::Message& message, std::size_t max_values);

}  // namespace sinew::protobuf
