#include "sinew/base/cipher.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <limits>
#include <memory>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

constexpr std::size_t tag_bytes = 16;

struct Free {
  void operator()(EVP_CIPHER_CTX* cipher) const noexcept { EVP_CIPHER_CTX_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* data(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* data(std::string& bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

[[noreturn]] void refuse_cipher() {
  throw Error(Condition::unsupported, "OpenSSL offers no AES-256-GCM: check its configuration");
}

int length_of(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<int>::max()) {
    throw Error(Condition::invalid_input, "a text of more than 2 GiB is not encrypted");
  }
  return static_cast<int>(bytes.size());
}

void check_key(const Secret& key) {
  if (key.reveal().size() == cipher_key_bytes) return;
  throw Error(Condition::invalid_input,
              fmt::format("a key has {} bytes, not {}", cipher_key_bytes, key.reveal().size()));
}

enum class Way : int { decrypt = 0, encrypt = 1 };

Cipher begin(Way way, const Secret& key, std::string_view nonce, std::string_view context) {
  check_key(key);
  Cipher cipher(EVP_CIPHER_CTX_new());
  int taken = 0;
  if (!cipher ||
      EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, data(key.reveal()), data(nonce),
                        static_cast<int>(way)) != 1 ||
      EVP_CipherUpdate(cipher.get(), nullptr, &taken, data(context), length_of(context)) != 1) {
    refuse_cipher();
  }
  return cipher;
}

}  // namespace

std::string encrypt(const Secret& key, const Nonce& nonce, std::string_view context,
                    std::string_view text) {
  std::string result(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  const Cipher cipher = begin(Way::encrypt, key, result, context);
  result.resize(nonce_bytes + text.size() + tag_bytes);
  int written = 0;
  int rest = 0;
  unsigned char* body = data(result) + nonce_bytes;
  if (EVP_CipherUpdate(cipher.get(), body, &written, data(text), length_of(text)) != 1 ||
      EVP_CipherFinal_ex(cipher.get(), body + written, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, body + text.size()) != 1) {
    refuse_cipher();
  }
  return result;
}

std::optional<std::string> decrypt(const Secret& key, std::string_view context,
                                   std::string_view encrypted) {
  if (encrypted.size() < nonce_bytes + tag_bytes) return std::nullopt;
  const Cipher cipher = begin(Way::decrypt, key, encrypted.substr(0, nonce_bytes), context);
  std::string tag(encrypted.substr(encrypted.size() - tag_bytes));
  const auto body = encrypted.substr(nonce_bytes, encrypted.size() - nonce_bytes - tag_bytes);
  std::string text(body.size(), '\0');
  int written = 0;
  int rest = 0;
  if (EVP_CipherUpdate(cipher.get(), data(text), &written, data(body), length_of(body)) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) != 1) {
    refuse_cipher();
  }
  if (EVP_CipherFinal_ex(cipher.get(), data(text) + written, &rest) != 1) return std::nullopt;
  return text;
}

}  // namespace sinew
