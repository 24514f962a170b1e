#include "sinew/base/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits>

#include "sinew/base/error.hpp"
#include "sinew/base/hex.hpp"

namespace sinew {
namespace {

const unsigned char* data(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string hex(const Sha256& digest) {
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  Sha256 digest;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw Error(Condition::unsupported, "OpenSSL offers no SHA-256: check its configuration");
  }
  return digest;
}

std::string sha256_hex(std::string_view bytes) { return hex(sha256(bytes)); }

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  if (key.size() > std::numeric_limits<int>::max()) {
    throw Error(Condition::invalid_input, "an HMAC key is longer than 2 GiB");
  }
  Sha256 digest;
  // OpenSSL takes a null key for "the key of the last call", so an empty one needs an address.
  const unsigned char* key_data = key.empty() ? data("") : data(key);
  if (HMAC(EVP_sha256(), key_data, static_cast<int>(key.size()), data(bytes), bytes.size(),
           digest.data(), nullptr) == nullptr) {
    throw Error(Condition::unsupported, "OpenSSL offers no HMAC-SHA-256: check its configuration");
  }
  return digest;
}

std::string hmac_sha256_hex(std::string_view key, std::string_view bytes) {
  return hex(hmac_sha256(key, bytes));
}

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sinew
