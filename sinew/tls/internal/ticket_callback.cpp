#include "sinew/tls/internal/ticket_callback.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>

namespace sinew::tls {
namespace {

// What OpenSSL wants to hear.
enum Answer : int { failed = -1, unknown_key = 0, sealed_or_opened = 1, opened_to_be_renewed = 2 };

const unsigned char* bytes(const std::array<std::byte, 32>& key) noexcept {
  return reinterpret_cast<const unsigned char*>(key.data());
}

bool begin(const TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* signature, int sealing) noexcept {
  char digest[] = "SHA256";
  auto* secret = const_cast<unsigned char*>(bytes(key.signature));
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, key.signature.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, bytes(key.encryption), iv,
                           sealing) == 1 &&
         EVP_MAC_CTX_set_params(signature, parameters) == 1;
}

Answer seal(const TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* signature) noexcept {
  TicketKey key = keys.newest();
  std::memcpy(name, key.name.data(), key.name.size());
  const bool begun = RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
                     begin(key, iv, cipher, signature, 1);
  OPENSSL_cleanse(&key, sizeof key);
  return begun ? sealed_or_opened : failed;
}

Answer open(const TicketKeys& keys, const unsigned char* name, const unsigned char* iv,
            EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* signature) noexcept {
  bool newest = false;
  const std::span<const std::byte, 16> wanted(reinterpret_cast<const std::byte*>(name), 16);
  auto key = keys.find(wanted, newest);
  if (!key) return unknown_key;
  const bool begun = begin(*key, iv, cipher, signature, 0);
  OPENSSL_cleanse(&*key, sizeof *key);
  if (!begun) return failed;
  return newest ? sealed_or_opened : opened_to_be_renewed;
}

int ticket_key(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
               EVP_MAC_CTX* signature, int sealing) noexcept {
  const auto* keys =
      static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
  return sealing != 0 ? seal(*keys, name, iv, cipher, signature)
                      : open(*keys, name, iv, cipher, signature);
}

}  // namespace

void resume_by_tickets(SSL_CTX& context, const TicketKeys* keys) noexcept {
  if (keys == nullptr) {
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(&context, 0);
    return;
  }
  SSL_CTX_set_app_data(&context, const_cast<TicketKeys*>(keys));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(&context, ticket_key);
}

}  // namespace sinew::tls
