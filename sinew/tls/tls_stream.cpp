#include "sinew/tls/tls_stream.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sinew/async/runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/tls/internal/certificate_parts.hpp"
#include "sinew/tls/internal/reason.hpp"
#include "sinew/tls/internal/transport.hpp"

namespace sinew::tls {
namespace {

using async::IoResult;

// The most plain text of a record (RFC 8446, section 5.1).
constexpr std::size_t largest_record = SSL3_RT_MAX_PLAIN_LENGTH;

const std::error_code would_block = std::make_error_code(std::errc::operation_would_block);
const std::error_code aborted = std::make_error_code(std::errc::connection_aborted);

[[noreturn]] void refuse_memory() {
  ERR_clear_error();
  throw Error(Condition::exhausted, "OpenSSL has no memory for another connection");
}

bool is_address(const std::string& name) noexcept {
  in6_addr address;
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

// Pieces, as what is encrypted at once: long ones by themselves, short ones joined in `room`. The
// same bytes, offered again with more behind them, are joined to no less than before.
class GatheredRecords {
 public:
  GatheredRecords(async::Pieces pieces, std::span<std::byte> room) noexcept
      : pieces_(pieces), room_(room) {}

  // Empty at the end.
  std::span<const std::byte> next() noexcept {
    const auto first = rest();
    if (first.size() >= room_.size() || pieces_.size() == 1) {
      const std::size_t whole =
          first.size() - (pieces_.size() == 1 ? 0 : first.size() % room_.size());
      offset_ += whole;
      return first.first(whole);
    }
    std::size_t joined = 0;
    for (auto more = first; !more.empty() && joined < room_.size(); more = rest()) {
      const std::size_t count = std::min(more.size(), room_.size() - joined);
      std::ranges::copy(more.first(count), room_.begin() + static_cast<std::ptrdiff_t>(joined));
      joined += count;
      offset_ += count;
    }
    return room_.first(joined);
  }

 private:
  // What is left of the first piece that is not used up.
  std::span<const std::byte> rest() noexcept {
    while (!pieces_.empty() && offset_ == pieces_.front().size()) {
      pieces_ = pieces_.subspan(1);
      offset_ = 0;
    }
    return pieces_.empty() ? std::span<const std::byte>() : pieces_.front().subspan(offset_);
  }

  async::Pieces pieces_;
  std::size_t offset_ = 0;  // into the first
  std::span<std::byte> room_;
};

std::string_view view(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

void TlsStream::ReleaseVendor::operator()(ssl_st* connection) const noexcept {
  SSL_free(connection);
}

TlsStream::TlsStream(std::unique_ptr<async::Stream> below, std::shared_ptr<const void> context,
                     ssl_st* connection)
    : below_(std::move(below)),
      context_(std::move(context)),
      transport_(std::make_unique<Transport>(Transport{*below_})),
      connection_(connection) {
  if (!connection_) refuse_memory();
  BIO* bio = Transport::make_bio(*transport_);
  if (bio == nullptr) refuse_memory();
  SSL_set_bio(connection_.get(), bio, bio);
  readable_ = true;
  below_->observe(this);
}

std::unique_ptr<TlsStream> TlsStream::server(std::unique_ptr<async::Stream> below,
                                             std::shared_ptr<const ServerContext> context) {
  SSL* connection = SSL_new(&context->vendor());
  std::unique_ptr<TlsStream> stream(
      new TlsStream(std::move(below), std::move(context), connection));
  SSL_set_accept_state(connection);
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::client(std::unique_ptr<async::Stream> below,
                                             const std::shared_ptr<const ClientContext>& context,
                                             const Target& target, ClientSessions* sessions) {
  SSL* connection = SSL_new(&context->vendor());
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(below), context, connection));
  SSL_set_connect_state(connection);
  stream->expect(target, *context, sessions);
  return stream;
}

TlsStream::~TlsStream() {
  close();
  if (below_) below_->observe(nullptr);
}

void TlsStream::expect(const Target& target, const ClientContext& context,
                       ClientSessions* sessions) {
  SSL* connection = connection_.get();
  const bool address = is_address(target.name);
  const std::string& asked = target.server_name.empty() && !address ? target.name  //
                                                                    : target.server_name;
  if (!asked.empty() && SSL_set_tlsext_host_name(connection, asked.c_str()) != 1) refuse_memory();

  nameless_ = context.verifies() && target.name.empty();
  X509_VERIFY_PARAM* expected = SSL_get0_param(connection);
  X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (context.verifies() && !nameless_) {
    const int accepted = address ? X509_VERIFY_PARAM_set1_ip_asc(expected, target.name.c_str())
                                 : SSL_set1_host(connection, target.name.c_str());
    if (accepted != 1) refuse_memory();
  }
  if (sessions == nullptr) return;
  transport_->sessions = sessions;
  transport_->context_id = context.id();
  transport_->session_key =
      fmt::format("{} {} {}", target.name, asked, async::to_string(below_->peer()));
  if (const auto session = sessions->take(transport_->session_key, context.id())) {
    SSL_set_session(connection, session.get());
  }
}

Task<std::error_code> TlsStream::handshake() {
  if (const std::error_code error = unusable(); error && state_ == State::failed) co_return error;
  if (nameless_) co_return failure_ = Fault::no_name;
  const async::TaskContext& task = co_await async::this_context();
  X509_VERIFY_PARAM_set_time(SSL_get0_param(connection_.get()),
                             std::chrono::floor<std::chrono::seconds>(task.runtime->wall_now())
                                 .time_since_epoch()
                                 .count());
  while (state_ == State::fresh) {
    forget_errors();
    const int result = SSL_do_handshake(connection_.get());
    if (result == 1) {
      state_ = State::established;
    } else if (waiting_or_failed(result, Direction::read).error == would_block) {
      if (const std::error_code error = co_await readable(); error && state_ == State::fresh) {
        state_ = State::failed;
        failure_ = error;
      }
    }
  }
  readable_ = true;
  co_return failure_;
}

IoResult TlsStream::try_read(std::span<std::byte> into) noexcept {
  if (const std::error_code error = unusable()) return {.error = error};
  std::size_t total = 0;
  while (total < into.size()) {
    std::size_t bytes = 0;
    forget_errors();
    const auto rest = into.subspan(total);
    const int result = SSL_read_ex(connection_.get(), rest.data(), rest.size(), &bytes);
    total += bytes;
    if (result == 1) continue;
    const IoResult ended = waiting_or_failed(result, Direction::read);
    if (total == 0) return ended;
    break;
  }
  return {.bytes = total};
}

IoResult TlsStream::try_write(std::span<const std::byte> from) noexcept {
  if (const std::error_code error = unusable()) return {.error = error};
  if (end_wanted_ || end_sent_) return {.error = std::make_error_code(std::errc::broken_pipe)};
  if (from.empty()) return {};
  if (from.size() < unfinished_) return {.error = Fault::shorter_retry};
  std::size_t total = 0;
  while (total < from.size()) {
    std::size_t bytes = 0;
    forget_errors();
    const auto rest = from.subspan(total);
    const int result = SSL_write_ex(connection_.get(), rest.data(), rest.size(), &bytes);
    unfinished_ = result == 1 ? 0 : std::min(rest.size(), largest_record);
    total += bytes;
    if (result == 1) continue;
    const IoResult ended = waiting_or_failed(result, Direction::write);
    if (total == 0) return ended;
    break;
  }
  return {.bytes = total};
}

IoResult TlsStream::try_write_gathered(async::Pieces from) noexcept {
  std::array<std::byte, largest_record> room;  // not cleared: only what was joined is read
  GatheredRecords records(from, room);
  IoResult all;
  for (auto record = records.next(); !record.empty(); record = records.next()) {
    const IoResult one = try_write(record);
    all.bytes += one.bytes;
    if (one.bytes == record.size()) continue;
    if (all.bytes == 0) all.error = one.error;
    break;
  }
  return all;
}

// A record of which only a part has come is as unexpected as a whole one.
bool TlsStream::undisturbed() noexcept {
  return Stream::undisturbed() && below_ && below_->undisturbed() &&
         SSL_has_pending(connection_.get()) == 0;
}

// After a call that did not succeed; the errors of this thread are its own.
IoResult TlsStream::waiting_or_failed(int result, Direction direction) noexcept {
  const bool reading = direction == Direction::read;
  const int error = SSL_get_error(connection_.get(), result);
  if (error == SSL_ERROR_ZERO_RETURN) return {.end_of_stream = true};
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
    return {.error = fail(error)};
  }
  (reading ? readable_ : writable_) = false;
  if (reading) read_wants_write_ = error == SSL_ERROR_WANT_WRITE;
  if (!reading) write_wants_read_ = error == SSL_ERROR_WANT_READ;
  return {.error = would_block};
}

std::error_code TlsStream::fail(int vendor_error) noexcept {
  vendor_reason_ = ERR_peek_error();
  failure_ = reason(vendor_error);
  state_ = State::failed;
  ERR_clear_error();
  transport_->keep_alert();
  set_readable();
  set_writable();
  return failure_;
}

std::error_code TlsStream::reason(int vendor_error) const noexcept {
  if (transport_->broken) return transport_->broken;
  const bool cut = ERR_GET_LIB(vendor_reason_) == ERR_LIB_SSL &&
                   ERR_GET_REASON(vendor_reason_) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (cut || (transport_->ended && vendor_error == SSL_ERROR_SYSCALL)) {
    return state_ == State::established ? Fault::truncated : Fault::closed;
  }
  return reason_of(vendor_reason_, SSL_get_verify_result(connection_.get()));
}

std::error_code TlsStream::unusable() const noexcept {
  if (state_ == State::established) return {};
  return failure_ ? failure_ : Fault::not_established;
}

void TlsStream::on_readable() noexcept {
  if (write_wants_read_) set_writable();
  if (!read_wants_write_) set_readable();
}

void TlsStream::on_writable() noexcept {
  if (end_wanted_) send_end();
  if (state_ == State::failed) transport_->send_alert();
  if (read_wants_write_) set_readable();
  if (!write_wants_read_) set_writable();
}

void TlsStream::send_end() noexcept {
  forget_errors();
  const int result = SSL_shutdown(connection_.get());
  end_wanted_ = result < 0 && SSL_get_error(connection_.get(), result) == SSL_ERROR_WANT_WRITE;
  ERR_clear_error();
  if (end_wanted_) return;
  end_sent_ = true;
  below_->shutdown_write();
}

void TlsStream::shutdown_write() noexcept {
  if (!below_ || end_wanted_ || end_sent_) return;
  if (state_ == State::established && unfinished_ == 0) {
    send_end();
  } else {
    end_sent_ = true;
    below_->shutdown_write();
  }
}

void TlsStream::close() noexcept {
  if (!below_ || failure_ == aborted) return;
  if (state_ == State::established && unfinished_ == 0 && !end_sent_ && !end_wanted_) {
    SSL_shutdown(connection_.get());
    ERR_clear_error();
  }
  state_ = State::failed;
  failure_ = aborted;
  below_->close();
  set_readable();
  set_writable();
}

async::Endpoint TlsStream::peer() const { return below_ ? below_->peer() : async::Endpoint{}; }

std::unique_ptr<async::Stream> TlsStream::release() noexcept {
  state_ = State::failed;
  if (!failure_) failure_ = aborted;
  connection_.reset();
  if (below_) below_->observe(nullptr);
  return std::move(below_);
}

std::string_view TlsStream::version() const noexcept {
  return connection_ ? view(SSL_get_version(connection_.get())) : std::string_view();
}

std::string_view TlsStream::cipher() const noexcept {
  return connection_ ? view(SSL_get_cipher_name(connection_.get())) : std::string_view();
}

std::string_view TlsStream::application() const noexcept {
  if (!connection_) return {};
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(connection_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsStream::server_name() const noexcept {
  if (!connection_) return {};
  return view(SSL_get_servername(connection_.get(), TLSEXT_NAMETYPE_host_name));
}

bool TlsStream::resumed() const noexcept {
  return connection_ && SSL_session_reused(connection_.get()) == 1;
}

std::optional<CertificateDetails> TlsStream::peer_certificate() const {
  if (!connection_) return std::nullopt;
  X509* certificate = SSL_get0_peer_certificate(connection_.get());
  if (certificate == nullptr) return std::nullopt;
  return details_of(*certificate);
}

std::string TlsStream::failure() const {
  if (!failure_) return {};
  std::string sentence = failure_.message();
  const long verification =
      connection_ ? SSL_get_verify_result(connection_.get()) : long{X509_V_OK};
  const char* reason = ERR_reason_error_string(vendor_reason_);
  if (verification != X509_V_OK) {
    sentence += fmt::format(" ({}", X509_verify_cert_error_string(verification));
    if (transport_->doubted) {
      const CertificateDetails doubted = details_of(*transport_->doubted);
      sentence += fmt::format("; {}, issued by {}", doubted.subject, doubted.issuer);
    }
    sentence += ")";
  } else if (vendor_reason_ != 0 && reason != nullptr && failure_.category() == tls_category()) {
    sentence += fmt::format(" ({})", reason);
  }
  if (transport_->alert_sent >= 0) {
    sentence += fmt::format("; the peer was sent the alert `{}`",
                            SSL_alert_desc_string_long(transport_->alert_sent));
  }
  return sentence;
}

}  // namespace sinew::tls
