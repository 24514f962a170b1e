#include "sinew/event/payload_codec.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"
#include "sinew/event/envelope.hpp"

namespace sinew::event {
namespace {

class JsonCodec final : public PayloadCodec {
 public:
  bool reads(std::string_view content_type) const noexcept override {
    return is_json(content_type);
  }
  bool knows(std::string_view, std::int32_t) const noexcept override { return true; }

  std::string encode(std::string_view, std::int32_t, const JsonObject& data) const override {
    return to_text(data);
  }

  JsonObject decode(std::string_view type, std::int32_t, std::string_view bytes) const override {
    Json json = parse_json(bytes);
    if (json.is_object()) return std::move(json.as_object());
    throw Error(Condition::invalid_input,
                fmt::format("the data of a {} is {}, not an object", type, brief(json)));
  }
};

}  // namespace

Codecs::Codecs() : codecs_{std::make_shared<const JsonCodec>()} {}

Codecs& Codecs::add(std::shared_ptr<const PayloadCodec> codec) {
  if (codec == nullptr) throw Error(Condition::invalid_input, "a codec is missing");
  codecs_.push_back(std::move(codec));
  return *this;
}

const PayloadCodec* Codecs::find(std::string_view content_type) const noexcept {
  for (const auto& codec : codecs_) {
    if (codec->reads(content_type)) return codec.get();
  }
  return nullptr;
}

const PayloadCodec& Codecs::codec_for(std::string_view content_type, std::string_view type) const {
  if (const PayloadCodec* codec = find(content_type)) return *codec;
  throw Error(Condition::unsupported,
              fmt::format("a message of type {} has the content type {}, which no codec here reads",
                          type, content_type));
}

void Codecs::check(const EventType& type) const {
  const PayloadCodec* codec = find(type.content_type);
  if (codec != nullptr && codec->knows(type.name, type.version)) return;
  throw Error(Condition::invalid_input,
              fmt::format("{} version {} is written as {}: the host needs a codec that knows it, "
                          "see ContextSettings",
                          type.name, type.version, type.content_type));
}

SharedBytes Codecs::encode(const EventType& type, const JsonObject& data) const {
  return SharedBytes(codec_for(type.content_type, type.name).encode(type.name, type.version, data));
}

JsonObject Codecs::decode(std::string_view content_type, std::string_view type,
                          std::int32_t version, const SharedBytes& data) const {
  return codec_for(content_type, type).decode(type, version, data.view());
}

const Codecs& json_only() {
  static const Codecs codecs;
  return codecs;
}

}  // namespace sinew::event
