#include "adapters/protobuf/codec.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "adapters/protobuf/mapping.hpp"
#include "sinew/base/error.hpp"

namespace sinew::protobuf {
namespace {

using google::protobuf::Message;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

std::string_view media_of(std::string_view content_type) {
  std::string_view media = content_type.substr(0, content_type.find(';'));
  while (media.ends_with(' '))
    media.remove_suffix(1);
  return media;
}

bool equal_without_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
  });
}

// libprotobuf writes a line to standard error about each string that is not UTF-8: what peers send
// would fill it, and the error says it already.
void silence_libprotobuf() {
  [[maybe_unused]] static auto* const before = google::protobuf::SetLogHandler(nullptr);
}

}  // namespace

Codec& Codec::add(std::string_view type, std::int32_t version, const Message& prototype) {
  silence_libprotobuf();
  std::vector<JsonError> errors = unmappable(*prototype.GetDescriptor());
  if (!errors.empty()) throw DocumentError(std::move(errors));
  if (!prototypes_[std::string(type)].try_emplace(version, &prototype).second) {
    throw Error(Condition::invalid_input,
                fmt::format("{} version {} has a message already", type, version));
  }
  return *this;
}

bool Codec::reads(std::string_view content_type) const noexcept {
  const std::string_view media = media_of(content_type);
  return equal_without_case(media, event::protobuf_content_type) ||
         equal_without_case(media, "application/x-protobuf");
}

bool Codec::knows(std::string_view type, std::int32_t version) const noexcept {
  return find(type, version) != nullptr;
}

const Message* Codec::find(std::string_view type, std::int32_t version) const noexcept {
  const auto versions = prototypes_.find(type);
  if (versions == prototypes_.end()) return nullptr;
  const auto found = versions->second.find(version);
  return found == versions->second.end() ? nullptr : found->second;
}

const Message& Codec::prototype(std::string_view type, std::int32_t version) const {
  if (const Message* found = find(type, version)) return *found;
  throw Error(Condition::unsupported,
              fmt::format("no Protobuf message is known for {} version {}: add the one of its "
                          ".proto, then replay the message",
                          type, version));
}

// Maps in the order of their keys, so that the same data gives the same bytes.
std::string Codec::encode(std::string_view type, std::int32_t version,
                          const JsonObject& data) const {
  const std::unique_ptr<Message> message(prototype(type, version).New());
  fill(*message, data);
  std::string bytes;
  {
    StringOutputStream stream(&bytes);
    CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message->SerializeToCodedStream(&coded);
  }
  return bytes;
}

JsonObject Codec::decode(std::string_view type, std::int32_t version,
                         std::string_view bytes) const {
  const std::unique_ptr<Message> message(prototype(type, version).New());
  if (bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    CodedInputStream coded(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                           static_cast<int>(bytes.size()));
    coded.SetRecursionLimit(max_depth);
    if (message->ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage()) {
      return read(*message, max_values);
    }
  }
  throw Error(Condition::invalid_input,
              fmt::format("the data of a {} is no Protobuf message {}, or nests deeper than {}",
                          type, message->GetTypeName(), max_depth));
}

}  // namespace sinew::protobuf
