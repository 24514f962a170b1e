#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/bytes.hpp"
#include "sinew/base/json.hpp"
#include "sinew/event/upcasters.hpp"

namespace sinew::event {

// How the data of messages is written: one encoding, between the JSON object, on which upcasters
// and structs work, and the bytes of an envelope. A port; JSON is built in, Protobuf is an adapter.
// Immutable once it is in use; from any thread.
class PayloadCodec {
 public:
  PayloadCodec() = default;
  PayloadCodec(const PayloadCodec&) = delete;
  PayloadCodec& operator=(const PayloadCodec&) = delete;
  virtual ~PayloadCodec() = default;

  // Whether data of this content type, whatever its parameters, is in this encoding.
  virtual bool reads(std::string_view content_type) const noexcept = 0;

  // Whether it knows the shape of the type in that version, if it needs to.
  virtual bool knows(std::string_view type, std::int32_t version) const noexcept = 0;

  // Errors: unsupported (a type or version it does not know), invalid_input (the object has what
  // the encoding cannot carry: nothing is left out silently).
  virtual std::string encode(std::string_view type, std::int32_t version,
                             const JsonObject& data) const = 0;

  // The inverse, for bytes from anywhere, in bounded time and memory. Errors: unsupported (a type
  // or version it does not know: the message waits for a newer reader), invalid_input (not this
  // encoding, or not an object).
  virtual JsonObject decode(std::string_view type, std::int32_t version,
                            std::string_view bytes) const = 0;
};

// The encodings that a context reads and writes: the content type of a message decides which. JSON
// is always one. Filled at registration, then immutable.
class Codecs {
 public:
  Codecs();

  // Throws Error invalid_input for null.
  Codecs& add(std::shared_ptr<const PayloadCodec> codec);

  // Throws Error invalid_input when the type is written in an encoding that is not there, or that
  // does not know it: who could not write what it publishes must not start.
  void check(const EventType& type) const;

  // In the encoding that the type is written in. Errors: those of the codec, and unsupported (no
  // codec for it).
  SharedBytes encode(const EventType& type, const JsonObject& data) const;

  // Errors: those of the codec, and unsupported (no codec for the content type).
  JsonObject decode(std::string_view content_type, std::string_view type, std::int32_t version,
                    const SharedBytes& data) const;

 private:
  const PayloadCodec* find(std::string_view content_type) const noexcept;
  const PayloadCodec& codec_for(std::string_view content_type, std::string_view type) const;

  std::vector<std::shared_ptr<const PayloadCodec>> codecs_;
};

// JSON alone.
const Codecs& json_only();

}  // namespace sinew::event
