#include "sinew/tls/internal/transport.hpp"

#include <algorithm>

namespace sinew::tls {
namespace {

Transport& transport_of(BIO* bio) noexcept { return *static_cast<Transport*>(BIO_get_data(bio)); }

int read(BIO* bio, char* into, std::size_t size, std::size_t* got) noexcept {
  Transport& transport = transport_of(bio);
  BIO_clear_retry_flags(bio);
  const async::IoResult result =
      transport.below.try_read(std::as_writable_bytes(std::span(into, size)));
  *got = result.bytes;
  if (result.bytes > 0) return 1;
  if (result.error == std::errc::operation_would_block) {
    BIO_set_retry_read(bio);
    return -1;
  }
  transport.ended |= result.end_of_stream;
  if (result.error) transport.broken = result.error;
  return 0;
}

int write(BIO* bio, const char* from, std::size_t size, std::size_t* taken) noexcept {
  Transport& transport = transport_of(bio);
  BIO_clear_retry_flags(bio);
  const auto bytes = std::as_bytes(std::span(from, size));
  const async::IoResult result = transport.below.try_write(bytes);
  transport.refused = bytes.subspan(result.bytes);
  *taken = result.bytes;
  if (result.bytes > 0) return 1;
  if (result.error == std::errc::operation_would_block) {
    BIO_set_retry_write(bio);
  } else if (result.error) {
    transport.broken = result.error;
  }
  return -1;
}

long control(BIO* bio, int command, long, void*) noexcept {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return transport_of(bio).ended ? 1 : 0;
    default: return 0;
  }
}

const BIO_METHOD* make_method() noexcept {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sinew stream");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, read);
  BIO_meth_set_write_ex(method, write);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

BIO* Transport::make_bio(Transport& transport) noexcept {
  static const BIO_METHOD* const method = make_method();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &transport);
  BIO_set_init(bio, 1);
  return bio;
}

void Transport::keep_alert() noexcept {
  if (refused.size() > alert.size()) return;
  alert_left = refused.size();
  std::ranges::copy(refused, alert.end() - refused.size());
  refused = {};
}

void Transport::send_alert() noexcept {
  if (alert_left > 0) alert_left -= below.try_write(std::span(alert).last(alert_left)).bytes;
}

Transport& Transport::of(const SSL& connection) noexcept {
  return transport_of(SSL_get_rbio(&connection));
}

int Transport::note_doubted(int accepted, X509_STORE_CTX* verification) noexcept {
  X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  if (accepted == 0 && certificate != nullptr) {
    const auto* connection = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509_up_ref(certificate);
    of(*connection).doubted.reset(certificate);
  }
  return accepted;
}

void Transport::note_alert(const SSL* connection, int where, int value) noexcept {
  const int alert = value & 0xff;
  if ((where & SSL_CB_WRITE_ALERT) != SSL_CB_WRITE_ALERT || alert == SSL_AD_CLOSE_NOTIFY) return;
  of(*connection).alert_sent = alert;
}

}  // namespace sinew::tls
