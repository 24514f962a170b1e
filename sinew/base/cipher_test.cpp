#include "sinew/base/cipher.hpp"

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"
#include "sinew/base/hex.hpp"

namespace sinew {
namespace {

Secret key(char byte = 0) { return Secret(std::string(cipher_key_bytes, byte)); }

// Test case 14 of "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B.
TEST(Cipher, GivesTheBytesOfTheSpecification) {
  const std::string encrypted = encrypt(key(), Nonce{}, "", std::string(16, '\0'));

  EXPECT_EQ(to_hex(encrypted),
            "000000000000000000000000"
            "cea7403d4d606b6e074ec5d3baf39d18"
            "d0d1c8a799996bf0265b98b5d48ab919");
}

TEST(Cipher, DecryptsWhatItEncrypted) {
  for (const std::string& text : {std::string(), std::string("a\0b", 3), std::string(100'000, 'x')})
    EXPECT_EQ(decrypt(key(1), "here", encrypt(key(1), Nonce{7}, "here", text)), text);
}

TEST(Cipher, GivesNothingForAnotherKeyOrContext) {
  const std::string encrypted = encrypt(key(1), Nonce{7}, "here", "text");

  EXPECT_FALSE(decrypt(key(2), "here", encrypted));
  EXPECT_FALSE(decrypt(key(1), "there", encrypted));
}

TEST(Cipher, GivesNothingWhenAnyByteIsChangedOrMissing) {
  const std::string encrypted = encrypt(key(1), Nonce{7}, "", "text");

  for (std::size_t i = 0; i < encrypted.size(); ++i) {
    std::string changed = encrypted;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(decrypt(key(1), "", changed)) << i;
    EXPECT_FALSE(decrypt(key(1), "", encrypted.substr(0, i))) << i;
  }
}

TEST(Cipher, RefusesAKeyOfAnotherLength) {
  EXPECT_THROW(encrypt(Secret("short"), Nonce{}, "", "text"), Error);
  EXPECT_THROW(decrypt(Secret("short"), "", std::string(40, 'x')), Error);
}

}  // namespace
}  // namespace sinew
