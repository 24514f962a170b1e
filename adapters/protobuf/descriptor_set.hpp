#pragma once

#include <memory>
#include <string_view>

#include "adapters/protobuf/codec.hpp"

namespace sinew::protobuf {

// A codec for a program that has no code of the messages, such as a tool. `bytes` is what
// `protoc --include_imports --descriptor_set_out=FILE` writes: each file `<type>.v<version>.proto`
// in it gives the message of that version, the one that no other of the file has as a field; files
// of other names are there to be imported. Throws Error invalid_input when the bytes are no such
// set, an import is missing, a file has no such message or several, or no file is so named; and
// what Codec::add() throws.
std::shared_ptr<const Codec> codec_of_descriptor_set(std::string_view bytes);

}  // namespace sinew::protobuf
