#include "sinew/tls/test_certificates.hpp"

#include <openssl/pem.h>

#include <stdexcept>

#include "sinew/tls/internal/openssl.hpp"

namespace sinew::tls::test {
namespace {

void require(bool condition) {
  if (!condition) throw std::runtime_error("OpenSSL: " + take_reason());
}

BioOwner writing() {
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
  const BioOwner bio = writing();
  require(PEM_write_bio_X509(bio.get(), &certificate) == 1);
  return text_of(*bio);
}

std::string pem_of(EVP_PKEY& key) {
  const BioOwner bio = writing();
  require(PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(*bio);
}

KeyOwner make_key(KeyKind kind) {
  const unsigned int rsa_bits = kind == KeyKind::rsa ? 2048 : 1024;
  KeyOwner key(kind == KeyKind::elliptic ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits));
  require(key != nullptr);
  return key;
}

X509Owner make(const Issue& issue, EVP_PKEY& key) {
  static long serial = 0;
  X509Owner certificate(X509_new());
  require(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), issue.not_before);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), issue.not_after);
  X509_set_pubkey(certificate.get(), &key);
  const auto* name = reinterpret_cast<const unsigned char*>(issue.common_name.c_str());
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                     name, -1, -1, 0) == 1);
  return certificate;
}

void extend(X509& certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

}  // namespace

struct Authority::State {
  KeyOwner key = make_key(KeyKind::elliptic);
  X509Owner certificate;

  void sign(X509& issued) const {
    X509_set_issuer_name(&issued, X509_get_subject_name(certificate.get()));
    require(X509_sign(&issued, key.get(), EVP_sha256()) > 0);
  }
};

Authority::Authority(const std::string& name) : state_(std::make_unique<State>()) {
  state_->certificate = make({.common_name = name}, *state_->key);
  extend(*state_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  extend(*state_->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  state_->sign(*state_->certificate);
}

Authority::~Authority() = default;

std::string Authority::pem() const { return pem_of(*state_->certificate); }

Pem Authority::issue(const Issue& issue) const {
  const KeyOwner key = make_key(issue.key);
  const X509Owner certificate = make(issue, *key);
  extend(*certificate, NID_ext_key_usage, issue.usage);
  if (!issue.names.empty()) extend(*certificate, NID_subject_alt_name, issue.names);
  state_->sign(*certificate);
  return {pem_of(*certificate), pem_of(*key)};
}

Certificate Authority::certificate(const Issue& issued) const {
  const Pem pem = issue(issued);
  auto made = Certificate::from_pem(pem.certificate, Secret(pem.key), issued.common_name);
  if (!made) throw std::runtime_error(made.error());
  return *made;
}

std::string encrypted(const std::string& key, const std::string& pass_phrase) {
  const BioOwner plain = reading(key);
  const KeyOwner read(PEM_read_bio_PrivateKey(plain.get(), nullptr, nullptr, nullptr));
  require(read != nullptr);
  const BioOwner sealed = writing();
  const auto* phrase = reinterpret_cast<const unsigned char*>(pass_phrase.data());
  require(PEM_write_bio_PrivateKey(sealed.get(), read.get(), EVP_aes_128_cbc(), phrase,
                                   static_cast<int>(pass_phrase.size()), nullptr, nullptr) == 1);
  return text_of(*sealed);
}

}  // namespace sinew::tls::test
