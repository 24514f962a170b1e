#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/secret.hpp"

namespace sinew {

// Authenticated encryption: AES-256-GCM (NIST SP 800-38D), by OpenSSL.
inline constexpr std::size_t cipher_key_bytes = 32;
inline constexpr std::size_t nonce_bytes = 12;
using Nonce = std::array<std::uint8_t, nonce_bytes>;

// `text` under `key`: the nonce, the encrypted bytes and a tag of 16 bytes. A key meets each nonce
// once, or both texts are given away: draw it at random, for at most 2^32 texts a key (SP 800-38D,
// 8.3). `context` is not contained, but must be the same to decrypt: what the text belongs to, so
// that nobody puts it elsewhere. Errors: invalid_input (a key of another length).
std::string encrypt(const Secret& key, const Nonce& nonce, std::string_view context,
                    std::string_view text);

// The inverse; nothing when the key or the context is another, or a byte was changed.
std::optional<std::string> decrypt(const Secret& key, std::string_view context,
                                   std::string_view encrypted);

}  // namespace sinew
