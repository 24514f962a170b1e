#include "sinew/gateway/certificate_check.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace sinew::gateway {
namespace {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> reader(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Otherwise OpenSSL would ask at the terminal.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

std::vector<std::string> certificate_problems(std::string_view cert, const Secret& key) {
  ERR_clear_error();
  std::vector<std::string> problems;
  const auto cert_reader = reader(cert);
  const auto key_reader = reader(key.reveal());
  const Owned<X509> leaf(PEM_read_bio_X509(cert_reader.get(), nullptr, no_password, nullptr));
  const Owned<EVP_PKEY> private_key(
      PEM_read_bio_PrivateKey(key_reader.get(), nullptr, no_password, nullptr));
  if (!leaf) problems.emplace_back("cert: the first certificate of the chain cannot be read");
  if (!private_key) {
    problems.emplace_back("key: the private key cannot be read (an encrypted one cannot)");
  }
  if (leaf && private_key && X509_check_private_key(leaf.get(), private_key.get()) != 1) {
    problems.emplace_back("the key does not belong to the first certificate of the chain");
  }
  ERR_clear_error();
  return problems;
}

}  // namespace sinew::gateway
