#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/async/stream.hpp"
#include "sinew/async/task.hpp"
#include "sinew/tls/certificate.hpp"
#include "sinew/tls/client_context.hpp"
#include "sinew/tls/client_sessions.hpp"
#include "sinew/tls/fault.hpp"
#include "sinew/tls/server_context.hpp"

struct ssl_st;

namespace sinew::tls {

struct Transport;

// The server a client means.
struct Target {
  // Its DNS name or numeric address, which its certificate has to be for; may be empty only under a
  // context that does not verify.
  std::string name;
  // What to ask for by SNI instead of `name` (an address is never sent).
  std::string server_name = {};
};

// TLS over a stream that it owns, as a stream: first handshake(), then data. Reads and writes move
// what they can and never suspend; in the steady state they allocate nothing of ours, and OpenSSL
// holds buffers only while a record is incomplete (see pool_record_buffers()).
//
// Beyond what Stream says:
// - After a write that had to wait (operation_would_block, or fewer bytes than were offered) the
//   next one offers the same bytes again, more of them if there are, but not fewer: some of them
//   are encrypted already. Fewer are refused with Fault::shorter_retry and nothing is lost.
// - An end of the stream below without TLS's own end is Fault::truncated, not end_of_stream.
// - shutdown_write() sends close_notify behind what was written, by and by if there is no room now,
//   then ends the stream below. While a write still has to be repeated it only does the latter: the
//   peer sees a truncated stream, not one that seems whole.
// - close() and the destructor send close_notify if there is room for it.
// - Renegotiation is refused, early data is neither sent nor taken.
//
// One worker. The contexts are kept alive by the connections.
class TlsStream final : public async::Stream, private async::StreamObserver {
 public:
  // Throws Error exhausted when OpenSSL has no memory.
  static std::unique_ptr<TlsStream> server(std::unique_ptr<async::Stream> below,
                                           std::shared_ptr<const ServerContext> context);
  // `sessions`, if any, outlive the stream; a session is resumed and new ones are kept there.
  static std::unique_ptr<TlsStream> client(std::unique_ptr<async::Stream> below,
                                           const std::shared_ptr<const ClientContext>& context,
                                           const Target& target,
                                           ClientSessions* sessions = nullptr);
  ~TlsStream() override;

  // Agrees with the peer, once, before anything else; certificates are judged by the runtime's wall
  // clock. {}, a Fault, an alert_code() of the peer, an error of the stream below, or timed_out and
  // operation_canceled of the task. After an error the stream is of no use, and failure() tells
  // more; the peer was sent an alert if it can hear one.
  //
  // In TLS 1.3 a client is done before the server has judged its certificate: a refusal comes as an
  // alert from the first read.
  Task<std::error_code> handshake();

  async::IoResult try_read(std::span<std::byte> into) noexcept override;
  async::IoResult try_write(std::span<const std::byte> from) noexcept override;
  // Pieces that are smaller than a record go into one record together.
  async::IoResult try_write_gathered(async::Pieces from) noexcept override;
  // A session ticket or key update that comes in between does not disturb.
  bool undisturbed() noexcept override;
  void shutdown_write() noexcept override;
  void close() noexcept override;
  async::Endpoint peer() const override;

  // After the handshake; views live as long as the stream.
  bool established() const noexcept { return state_ == State::established; }
  std::string_view version() const noexcept;      // TLSv1.2, TLSv1.3
  std::string_view cipher() const noexcept;       // TLS_AES_128_GCM_SHA256
  std::string_view application() const noexcept;  // by ALPN; empty: none was agreed
  std::string_view server_name() const noexcept;  // by SNI; empty: none was given
  bool resumed() const noexcept;
  // The certificate the peer showed; that of a server was verified if its context verifies, that
  // of a client always.
  std::optional<CertificateDetails> peer_certificate() const;

  // A sentence on why it failed, with what the peer's certificate says and the alert we sent; empty
  // before anything failed.
  std::string failure() const;
  // The stream below, to answer in clear text who speaks HTTP (Fault::plain_http); what was read of
  // it is gone. This stream is of no use afterwards.
  std::unique_ptr<async::Stream> release() noexcept;

 private:
  enum class State : std::uint8_t { fresh, established, failed };
  enum class Direction : std::uint8_t { read, write };
  struct ReleaseVendor {
    void operator()(ssl_st* connection) const noexcept;
  };

  TlsStream(std::unique_ptr<async::Stream> below, std::shared_ptr<const void> context,
            ssl_st* connection);

  void on_readable() noexcept override;
  void on_writable() noexcept override;

  void expect(const Target& target, const ClientContext& context, ClientSessions* sessions);
  async::IoResult waiting_or_failed(int result, Direction direction) noexcept;
  std::error_code fail(int vendor_error) noexcept;
  std::error_code reason(int vendor_error) const noexcept;
  std::error_code unusable() const noexcept;
  bool more_to_read() const noexcept;
  void send_end() noexcept;

  std::unique_ptr<async::Stream> below_;
  std::shared_ptr<const void> context_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<ssl_st, ReleaseVendor> connection_;
  std::error_code failure_;
  unsigned long vendor_reason_ = 0;  // OpenSSL's code for `failure_`
  std::size_t unfinished_ = 0;       // bytes that the next write offers at least
  State state_ = State::fresh;
  bool nameless_ = false;    // a server is to be verified without a name
  bool end_wanted_ = false;  // close_notify waits for room
  bool end_sent_ = false;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
};

}  // namespace sinew::tls
