#include "sinew/tls/internal/openssl.hpp"

#include <openssl/pem.h>

#include <ctime>
#include <limits>

namespace sinew::tls {

BioOwner reading(std::string_view text) {
  if (text.size() > std::numeric_limits<int>::max()) text = {};
  return BioOwner(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string take_reason() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "unknown" : reason;
}

Timestamp to_timestamp(const ASN1_TIME* time) noexcept {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Timestamp(std::chrono::seconds(::timegm(&parts)));
}

std::vector<X509Owner> read_certificates(std::string_view pem, std::string& problem) {
  std::vector<X509Owner> certificates;
  const BioOwner bio = reading(pem);
  if (!bio) throw std::bad_alloc();
  forget_errors();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const unsigned long error = ERR_peek_last_error();
  const bool end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!end) {
    problem = "certificate " + std::to_string(certificates.size() + 1) +
              " in it cannot be read: " + take_reason();
  } else if (certificates.empty()) {
    problem = "there is no certificate in it (PEM, -----BEGIN CERTIFICATE-----)";
  }
  ERR_clear_error();
  return certificates;
}

}  // namespace sinew::tls
