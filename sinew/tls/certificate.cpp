#include "sinew/tls/certificate.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>

#include "sinew/base/hex.hpp"
#include "sinew/tls/internal/certificate_parts.hpp"

namespace sinew::tls {
namespace {

constexpr std::size_t largest_file = 1024 * 1024;

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string text_of(const X509_NAME* name) {
  const BioOwner bio(BIO_new(BIO_s_mem()));
  if (!bio) throw std::bad_alloc();
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string address_of(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int size = ASN1_STRING_length(address);
  const int family = size == 4 ? AF_INET : AF_INET6;
  if (size == 4 || size == 16) {
    ::inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text);
  }
  return text;
}

void add_name(const GENERAL_NAME& name, CertificateDetails& details) {
  switch (name.type) {
    case GEN_DNS: details.dns_names.push_back(text_of(name.d.dNSName)); break;
    case GEN_URI: details.uris.push_back(text_of(name.d.uniformResourceIdentifier)); break;
    case GEN_IPADD: details.addresses.push_back(address_of(name.d.iPAddress)); break;
    default: break;
  }
}

void add_names(X509& certificate, CertificateDetails& details) {
  const std::unique_ptr<GENERAL_NAMES, Release<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    add_name(*sk_GENERAL_NAME_value(names.get(), i), details);
  }
}

// An encrypted key would make OpenSSL ask at the terminal.
int no_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::expected<KeyOwner, std::string> read_key(const Secret& pem) {
  const BioOwner bio = reading(pem.reveal());
  if (!bio) throw std::bad_alloc();
  bool encrypted = false;
  forget_errors();
  KeyOwner key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, &encrypted));
  if (key) return key;
  const std::string reason = take_reason();
  if (encrypted) return std::unexpected("is encrypted; give it without a pass phrase");
  return std::unexpected("cannot be read (PEM, -----BEGIN PRIVATE KEY-----): " + reason);
}

std::expected<Secret, std::string> read_file(const std::string& path) {
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  std::string text(largest_file + 1, '\0');
  if (file) text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (!file || std::ferror(file.get()) != 0) {
    return std::unexpected(
        fmt::format("{} cannot be read: {}", path, std::generic_category().message(errno)));
  }
  if (text.size() > largest_file) {
    return std::unexpected(fmt::format("{} is larger than {} bytes", path, largest_file));
  }
  return Secret(std::move(text));
}

std::expected<std::shared_ptr<const Certificate::Parts>, std::string> make_parts(
    std::string_view chain_pem, const Secret& key_pem, std::string_view chain_name,
    std::string_view key_name) {
  std::string problem;
  auto certificates = read_certificates(chain_pem, problem);
  if (!problem.empty()) return std::unexpected(fmt::format("{}: {}", chain_name, problem));
  auto key = read_key(key_pem);
  if (!key) return std::unexpected(fmt::format("{}: the key {}", key_name, key.error()));

  auto parts = std::make_shared<Certificate::Parts>();
  parts->name = chain_name;
  parts->certificate = std::move(certificates.front());
  parts->key = std::move(*key);
  parts->chain.reset(sk_X509_new_null());
  if (!parts->chain) throw std::bad_alloc();
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (sk_X509_push(parts->chain.get(), certificates[i].get()) == 0) throw std::bad_alloc();
    (void)certificates[i].release();
  }
  parts->details = details_of(*parts->certificate);
  if (X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
    ERR_clear_error();
    return std::unexpected(fmt::format("{}: the key does not belong to the certificate {} of {}",
                                       key_name, parts->details.subject, chain_name));
  }
  return parts;
}

}  // namespace

CertificateDetails details_of(X509& certificate) {
  CertificateDetails details;
  details.subject = text_of(X509_get_subject_name(&certificate));
  details.issuer = text_of(X509_get_issuer_name(&certificate));
  add_names(certificate, details);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest, &size) == 1) {
    details.fingerprint = to_hex({reinterpret_cast<const char*>(digest), size});
  }
  details.not_before = to_timestamp(X509_get0_notBefore(&certificate));
  details.not_after = to_timestamp(X509_get0_notAfter(&certificate));
  ERR_clear_error();
  return details;
}

bool use(SSL& connection, const Certificate& certificate) noexcept {
  const Certificate::Parts& parts = certificate.parts();
  return SSL_use_cert_and_key(&connection, parts.certificate.get(), parts.key.get(),
                              parts.chain.get(), 1) == 1;
}

std::optional<std::string> authority_problem(std::string_view pem) {
  std::string problem;
  const auto certificates = read_certificates(pem, problem);
  if (!problem.empty()) return problem;
  if (certificates.size() > 1) {
    return fmt::format("there are {} certificates in it, and one is expected", certificates.size());
  }
  if (X509_check_ca(certificates.front().get()) == 0) {
    return "the certificate is not that of an authority (basicConstraints CA:TRUE)";
  }
  return std::nullopt;
}

std::expected<Certificate, std::string> Certificate::from_pem(std::string_view chain,
                                                              const Secret& key,
                                                              std::string_view name) {
  auto parts = make_parts(chain, key, name, name);
  if (!parts) return std::unexpected(parts.error());
  return Certificate(std::move(*parts));
}

std::expected<Certificate, std::string> Certificate::from_files(const std::string& chain_path,
                                                                const std::string& key_path) {
  const auto chain = read_file(chain_path);
  if (!chain) return std::unexpected(chain.error());
  const auto key = read_file(key_path);
  if (!key) return std::unexpected(key.error());
  auto parts = make_parts(chain->reveal(), *key, chain_path, key_path);
  if (!parts) return std::unexpected(parts.error());
  return Certificate(std::move(*parts));
}

const std::string& Certificate::name() const noexcept { return parts_->name; }
const CertificateDetails& Certificate::details() const noexcept { return parts_->details; }

std::optional<std::string> Certificate::warning(Timestamp now, Timestamp::duration soon) const {
  const CertificateDetails& of = details();
  const auto sentence = [&](std::string_view what, Timestamp when) {
    return fmt::format("{}: the certificate {} {} {}", name(), of.subject, what, to_rfc3339(when));
  };
  if (now > of.not_after) return sentence("has expired at", of.not_after);
  if (now < of.not_before) return sentence("is not valid before", of.not_before);
  if (now + soon > of.not_after) return sentence("expires soon, at", of.not_after);
  return std::nullopt;
}

}  // namespace sinew::tls
