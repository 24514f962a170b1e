#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/protobuf/codec.hpp"
#include "adapters/protobuf/test_messages.pb.h"
#include "sinew/base/error.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const sinew::protobuf::Codec& codec() {
  static sinew::protobuf::Codec codec;
  static const bool filled =
      (codec.add("order", 1, sinew::protobuf::test::Order::default_instance()), true);
  require(filled);
  return codec;
}

}  // namespace

// What is read can be written, and is then read as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sinew::JsonObject read;
  try {
    read = codec().decode("order", 1, bytes);
  } catch (const sinew::Error& error) {
    require(error.condition() == sinew::Condition::invalid_input);
    return 0;
  }
  require(codec().decode("order", 1, codec().encode("order", 1, read)) == read);
  return 0;
}
