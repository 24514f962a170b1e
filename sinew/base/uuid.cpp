#include "sinew/base/uuid.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "sinew/base/error.hpp"
#include "sinew/base/hex.hpp"

namespace sinew {
namespace {

constexpr std::size_t text_length = 36;
constexpr std::int64_t max_ms = (std::int64_t{1} << 48) - 1;
constexpr std::uint16_t max_counter = 0xfff;
constexpr std::uint16_t counter_start_mask = 0x7ff;

constexpr bool is_dash_position(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

std::int64_t milliseconds(Timestamp time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  if (ms < 0 || ms > max_ms) {
    throw Error(Condition::invalid_input,
                fmt::format("a UUID of version 7 holds milliseconds from 1970 in 48 bits; {} does "
                            "not fit",
                            ms));
  }
  return ms;
}

Uuid build_v7(std::int64_t ms, std::uint16_t rand_a, std::uint64_t rand_b) {
  std::array<std::uint8_t, Uuid::byte_count> bytes;
  for (std::size_t i = 0; i < 6; ++i)
    bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>(0x70 | ((rand_a >> 8) & 0x0f));
  bytes[7] = static_cast<std::uint8_t>(rand_a);
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[8 + i] = static_cast<std::uint8_t>(rand_b >> (56 - 8 * i));
  }
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  return Uuid(bytes);
}

}  // namespace

std::optional<Uuid> Uuid::try_parse(std::string_view text) noexcept {
  if (text.size() != text_length) return std::nullopt;
  std::array<std::uint8_t, byte_count> bytes{};
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_position(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_digit(text[i]);
    if (value < 0) return std::nullopt;
    auto& byte = bytes[digits / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
    ++digits;
  }
  return Uuid(bytes);
}

Uuid Uuid::parse(std::string_view text) {
  if (const auto id = try_parse(text)) return *id;
  throw Error(
      Condition::invalid_input,
      fmt::format("expected a UUID such as 0197a2b4-9c5e-7d10-8f3a-5b6c7d8e9f00, got \"{}\"",
                  text.substr(0, 2 * text_length)));
}

Uuid Uuid::from_bytes(std::string_view bytes) {
  if (bytes.size() != byte_count) {
    throw Error(Condition::corrupt,
                fmt::format("a stored UUID has {} bytes, expected {}", bytes.size(), byte_count));
  }
  Uuid id;
  std::ranges::copy(bytes, id.bytes_.begin());
  return id;
}

std::string to_string(const Uuid& id) {
  const std::string digits = to_hex(id.bytes());
  std::string text;
  text.reserve(text_length);
  for (const char digit : digits) {
    if (is_dash_position(text.size())) text += '-';
    text += digit;
  }
  return text;
}

Uuid uuid_v7(Timestamp time, std::uint64_t random_hi, std::uint64_t random_lo) {
  return build_v7(milliseconds(time), static_cast<std::uint16_t>(random_hi), random_lo);
}

Uuid derive_uuid(const Uuid& name_space, std::string_view name) {
  std::string input(name_space.bytes());
  input += name;
  std::array<unsigned char, 20> digest;
  if (EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
    throw Error(Condition::unsupported, "OpenSSL offers no SHA-1: check its configuration");
  }
  std::array<std::uint8_t, Uuid::byte_count> bytes;
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  bytes[6] = static_cast<std::uint8_t>(0x50 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  return Uuid(bytes);
}

Uuid UuidGenerator::next(Timestamp now, std::uint64_t random_hi, std::uint64_t random_lo) {
  const std::int64_t ms = milliseconds(now);
  if (ms > last_ms_) {
    last_ms_ = ms;
    counter_ = static_cast<std::uint16_t>(random_hi & counter_start_mask);
  } else if (counter_ < max_counter) {
    ++counter_;
  } else {
    ++last_ms_;
    counter_ = static_cast<std::uint16_t>(random_hi & counter_start_mask);
  }
  return build_v7(last_ms_, counter_, random_lo);
}

}  // namespace sinew
