#include "sinew/tls/self_signed.hpp"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>

#include "sinew/base/error.hpp"
#include "sinew/tls/internal/openssl.hpp"

namespace sinew::tls {
namespace {

void require(bool done) {
  if (!done) throw Error(Condition::exhausted, "no certificate could be made: " + take_reason());
}

BioOwner memory() {
  BioOwner bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr);
  return bio;
}

std::string text_of(BIO& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(&bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string pem_of(X509& certificate) {
  const BioOwner bio = memory();
  require(PEM_write_bio_X509(bio.get(), &certificate) == 1);
  return text_of(*bio);
}

std::string pem_of(EVP_PKEY& key) {
  const BioOwner bio = memory();
  require(PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(*bio);
}

// Random: a client keeps what it was told to trust by issuer and number.
void set_serial(X509& certificate) {
  std::array<unsigned char, 8> bytes{};
  require(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  std::uint64_t serial = 1;
  for (const unsigned char byte : bytes)
    serial = (serial << 8U | byte) & 0x7fff'ffff'ffff'ffffU;
  require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial) == 1);
}

}  // namespace

Certificate self_signed_certificate(const std::string& common_name, Timestamp now,
                                    std::chrono::days lifetime) {
  const KeyOwner key(EVP_EC_gen("P-256"));
  const X509Owner certificate(X509_new());
  require(key && certificate);
  require(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  set_serial(*certificate);
  const auto begin = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(now -
                                                                        std::chrono::hours(1)));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), begin);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()),
                begin + std::chrono::seconds(lifetime).count());
  auto* name = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
  require(X509_set_issuer_name(certificate.get(), name) == 1);
  require(X509_set_pubkey(certificate.get(), key.get()) == 1);
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  auto made = Certificate::from_pem(pem_of(*certificate), Secret(pem_of(*key)), common_name);
  if (!made) throw Error(Condition::exhausted, "no certificate could be made: " + made.error());
  return *made;
}

}  // namespace sinew::tls
