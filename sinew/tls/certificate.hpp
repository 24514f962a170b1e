#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/secret.hpp"
#include "sinew/base/time.hpp"

namespace sinew::tls {

// What a certificate says of its owner.
struct CertificateDetails {
  std::string subject;  // RFC 4514: CN=orders,O=Example
  std::string issuer;
  std::vector<std::string> dns_names;  // subject alternative names, as they stand there
  std::vector<std::string> addresses;  // numeric, IPv4 or IPv6
  std::vector<std::string> uris;       // spiffe://cluster.local/ns/default/sa/orders
  std::string fingerprint;             // SHA-256 of the certificate, lower-case hex
  Timestamp not_before;
  Timestamp not_after;
};

// A sentence when a PEM text is not exactly one certificate of an authority.
std::optional<std::string> authority_problem(std::string_view pem);

// A certificate with its chain and private key, checked to fit each other. Immutable; copies share
// it and may live on any thread.
class Certificate {
 public:
  // Of PEM texts: the certificate first, then its chain; the key without a pass phrase. `name` is
  // what the errors call it. The error is a sentence: unreadable, none in it, a key that belongs to
  // another certificate, an encrypted key. Nothing secret is in it.
  static std::expected<Certificate, std::string> from_pem(std::string_view chain, const Secret& key,
                                                          std::string_view name);
  // Of files of at most 1 MiB, read now.
  static std::expected<Certificate, std::string> from_files(const std::string& chain_path,
                                                            const std::string& key_path);

  const std::string& name() const noexcept;
  const CertificateDetails& details() const noexcept;
  // A sentence when the certificate has expired, is not valid yet, or expires within `soon`.
  std::optional<std::string> warning(Timestamp now,
                                     Timestamp::duration soon = std::chrono::days(14)) const;

  struct Parts;
  const Parts& parts() const noexcept { return *parts_; }

 private:
  explicit Certificate(std::shared_ptr<const Parts> parts) noexcept : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace sinew::tls
