#include "sinew/store/checkpoint.hpp"

#include <algorithm>

#include "sinew/base/error.hpp"
#include "sinew/base/hex.hpp"

namespace sinew::store {

Checkpoint Checkpoint::from_bytes(std::string_view bytes) {
  if (bytes.size() > max_bytes) {
    throw Error(Condition::invalid_input, "a checkpoint has at most 24 bytes");
  }
  Checkpoint checkpoint;
  std::copy(bytes.begin(), bytes.end(), checkpoint.bytes_.begin());
  checkpoint.size_ = static_cast<std::uint8_t>(bytes.size());
  return checkpoint;
}

Checkpoint Checkpoint::from_position(std::uint64_t position) {
  Checkpoint checkpoint;
  if (position == 0) return checkpoint;
  for (int byte = 7; byte >= 0; --byte) {
    checkpoint.bytes_[static_cast<std::size_t>(byte)] = static_cast<char>(position & 0xff);
    position >>= 8;
  }
  checkpoint.size_ = 8;
  return checkpoint;
}

Checkpoint Checkpoint::parse(std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() > max_bytes || to_hex(*bytes) != hex) {
    throw Error(Condition::invalid_input,
                "a checkpoint is written in up to 48 digits of 0-9 and a-f, two a byte");
  }
  return from_bytes(*bytes);
}

std::uint64_t Checkpoint::position() const noexcept {
  std::uint64_t position = 0;
  for (const char byte : bytes())
    position = (position << 8) | static_cast<unsigned char>(byte);
  return position;
}

std::string to_string(const Checkpoint& checkpoint) { return to_hex(checkpoint.bytes()); }

}  // namespace sinew::store

namespace sinew {

std::optional<store::Checkpoint> TextForm<store::Checkpoint>::parse(std::string_view text) {
  try {
    return store::Checkpoint::parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace sinew
