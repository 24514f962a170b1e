#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sinew/event/payload_codec.hpp"

namespace google::protobuf {
class Message;
}

namespace sinew::protobuf {

// Data as Protocol Buffers (proto3), by messages of committed .proto files: one for each version of
// each event that is written so. A field stands for the member of its name:
//
//   bool, int32, int64 and their kin         true, 12
//   double                                   12.5
//   string                                   "text"; decimals, dates and ids are text as in JSON
//   enum                                     "red", the name of its value
//   message, repeated, map<string, ...>      an object, a list, an object
//
// A field without presence is always a member (0, "" and [] are values); one that is `optional`, or
// a message, only when it is there. Reading ignores fields that the message does not have, as a
// tolerant reader does; writing refuses members without a field.
class Codec final : public event::PayloadCodec {
 public:
  // JSON values that one message may become: data of a megabyte could be a million of them.
  static constexpr std::size_t max_values = 100'000;
  static constexpr int max_depth = 32;  // of messages within each other

  // `prototype`: Generated::default_instance(). Throws Error invalid_input when the version is
  // there already, DocumentError with every field that no member can stand for: bytes, float,
  // uint64, groups, maps with other keys, messages of google.protobuf, proto2.
  Codec& add(std::string_view type, std::int32_t version,
             const google::protobuf::Message& prototype);

  // application/protobuf, and application/x-protobuf of older peers.
  bool reads(std::string_view content_type) const noexcept override;
  bool knows(std::string_view type, std::int32_t version) const noexcept override;
  std::string encode(std::string_view type, std::int32_t version,
                     const JsonObject& data) const override;
  JsonObject decode(std::string_view type, std::int32_t version,
                    std::string_view bytes) const override;

 private:
  using Versions = std::map<std::int32_t, const google::protobuf::Message*>;

  const google::protobuf::Message* find(std::string_view type, std::int32_t version) const noexcept;
  const google::protobuf::Message& prototype(std::string_view type, std::int32_t version) const;

  std::map<std::string, Versions, std::less<>> prototypes_;
};

}  // namespace sinew::protobuf
