#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sinew {

// SHA-256 (FIPS 180-4).
using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

// HMAC (RFC 2104) over SHA-256; a key of any length.
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);

// FNV-1a of 64 bits (Fowler, Noll, Vo): the same in every process and version, so what it decides
// may be stored (the partition of a key). Not for keys that an attacker chooses.
constexpr std::uint64_t stable_hash(std::string_view bytes) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
  }
  return hash;
}

// Equality in time that depends on the lengths only: for signatures and tokens.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

}  // namespace sinew
