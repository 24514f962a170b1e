#include "sinew/proxy/exchange/client_connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "sinew/base/log.hpp"
#include "sinew/tls/fault.hpp"
#include "sinew/tls/tls_stream.hpp"
#include "sinew/wire/proxy_protocol.hpp"

namespace sinew::proxy {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

Task<std::error_code> readable(async::Stream& stream) { co_return co_await stream.readable(); }

// The least that a header can still take, so that no byte behind it is read: what follows belongs
// to TLS or HTTP.
std::size_t safe_to_read(wire::Bytes have) noexcept {
  static constexpr std::size_t kShortest = 15;  // "PROXY UNKNOWN\r\n", less than version 2's 16
  static constexpr std::size_t kVersion2 = 16;
  if (have.size() < kShortest) return kShortest - have.size();
  if (have[0] == std::byte{'P'}) return 1;
  if (have.size() < kVersion2) return kVersion2 - have.size();
  const std::size_t length =
      std::to_integer<std::size_t>(have[14]) << 8U | std::to_integer<std::size_t>(have[15]);
  return std::max<std::size_t>(kVersion2 + length, have.size() + 1) - have.size();
}

}  // namespace

ClientConnection::ClientConnection(WorkerContext& worker,
                                   std::shared_ptr<const ListenerState> listener,
                                   std::unique_ptr<async::Stream> stream)
    : worker_(worker), listener_(std::move(listener)), line_(std::move(stream), worker.buffers) {
  take_listener();
  const async::Endpoint peer = line_.stream->peer();
  line_.facts.peer = wire::parse_ip(peer.address).value_or(wire::IpAddress{});
  line_.facts.peer_port = peer.port;
  line_.facts.peer_text = to_string(peer);
  line_.facts.listener_text = to_string(line_.listener->address);
  line_.facts.local_port = line_.listener->address.port;
}

void ClientConnection::take_listener() noexcept {
  line_.listener = listener_->settings;
  line_.listening = listener_->listening;
}

void ClientConnection::drain(bool fresh_too) noexcept {
  if (!between_requests_ || (line_.requests == 0 && !fresh_too)) return;
  if (line_.stream->undisturbed()) line_.stream->close();
}

Task<void> ClientConnection::serve() {
  // A client that never lets the connection wait must not keep the worker from the others.
  constexpr int kRequestsInARow = 16;
  if (!co_await introduce()) co_return;
  auto next = Exchange::Next::keep;
  while (next == Exchange::Next::keep && co_await await_request()) {
    take_listener();
    ++line_.requests;
    {
      const auto exchange = worker_.exchanges.make(worker_, line_);
      next = co_await exchange->run();
    }
    if (worker_.draining && next == Exchange::Next::keep) next = Exchange::Next::linger;
    if (line_.requests % kRequestsInARow == 0) co_await async::yield();
  }
  if (next == Exchange::Next::linger) co_await linger();
  line_.stream->close();
}

// Who the client is, and that it speaks what the listener speaks.
Task<bool> ClientConnection::introduce() {
  if (line_.listener->proxy_protocol && !co_await read_proxy_header()) co_return false;
  if (line_.listener->tls && !co_await handshake()) co_return false;
  co_return true;
}

Task<bool> ClientConnection::read_proxy_header() {
  const ListenerSettings::ProxyProtocol& expected = *line_.listener->proxy_protocol;
  if (!contains(expected.from, line_.facts.peer)) {
    log::warn("a connection that may not speak for others was closed",
              {{"peer", line_.facts.peer_text}, {"listener", line_.facts.listener_text}});
    co_return false;
  }
  const Instant until = now() + expected.timeout;
  Buffer buffer = worker_.buffers.take();
  wire::ProxyHeader header;
  wire::Fault fault = wire::Fault::none;
  std::size_t size = 0;
  for (;;) {
    const wire::Bytes have = wire::Bytes(buffer.span()).first(size);
    const wire::Progress progress = wire::parse_proxy_header(have, {}, header, fault);
    if (progress == wire::Progress::complete) break;
    const std::size_t wanted = safe_to_read(have);
    if (progress == wire::Progress::refused || wanted > buffer.span().size() - size) {
      log::warn("a connection without a valid PROXY header was closed",
                {{"peer", line_.facts.peer_text}, {"cause", to_string(fault)}});
      co_return false;
    }
    const async::IoResult read = line_.stream->try_read(buffer.span().subspan(size, wanted));
    size += read.bytes;
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return false;
    if (co_await async::with_deadline(until, readable(*line_.stream))) co_return false;
  }
  if (header.source != wire::ProxyHeader::Source::ip) co_return true;
  line_.facts.peer = header.client;
  line_.facts.peer_port = header.client_port;
  line_.facts.local_port = header.server_port;
  std::array<char, wire::kIpTextBytes> text;
  line_.facts.peer_text = to_string(
      async::Endpoint{std::string(wire::write_ip(header.client, text)), header.client_port});
  co_return true;
}

Task<bool> ClientConnection::handshake() {
  auto stream = tls::TlsStream::server(std::move(line_.stream), listener_->tls);
  tls::TlsStream& connection = *stream;
  line_.stream = std::move(stream);
  const std::error_code error = co_await async::with_deadline(
      now() + line_.listener->handshake_timeout, connection.handshake());
  if (!error) {
    line_.facts.tls = true;
    line_.facts.tls_version = connection.version();
    line_.facts.server_name = connection.server_name();
    std::ranges::transform(line_.facts.server_name, line_.facts.server_name.begin(), lower);
    co_return true;
  }
  if (error == tls::Fault::plain_http) {
    line_.stream = connection.release();
    co_await answer_plain_http();
  } else {
    log::debug("no TLS with a client", {{"peer", line_.facts.peer_text},
                                        {"listener", line_.facts.listener_text},
                                        {"cause", connection.failure()}});
  }
  co_return false;
}

Task<void> ClientConnection::answer_plain_http() {
  static constexpr std::string_view kAnswer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 54\r\n"
      "Connection: close\r\n\r\nThe plain HTTP request was sent to a port that has TLS";
  co_await async::with_deadline(now() + line_.listener->send_timeout,
                                async::write_all(*line_.stream, wire::as_bytes(kAnswer)));
  co_await linger();
}

// True: bytes of a request are there. Holds nothing while it waits.
Task<bool> ClientConnection::await_request() {
  if (!line_.in.empty()) co_return true;
  if (worker_.draining && line_.requests > 0) co_return false;
  between_requests_ = true;
  const Instant until =
      now() + (line_.requests == 0 ? line_.listener->header_timeout : line_.listener->idle_timeout);
  const std::error_code error = co_await async::with_deadline(until, readable(*line_.stream));
  between_requests_ = false;
  co_return !error;
}

// Says that nothing more comes, then discards what does, so that the client gets the answer before
// a reset that unread bytes would cause (RFC 9112, section 9.6).
Task<void> ClientConnection::linger() {
  static constexpr std::size_t kMostBytes = 1U << 20U;
  line_.stream->shutdown_write();
  line_.in.clear();
  const Instant until = now() + line_.listener->linger_timeout;
  for (std::size_t discarded = 0; discarded < kMostBytes;) {
    const async::IoResult read = line_.in.read(*line_.stream);
    discarded += read.bytes;
    line_.in.clear();
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return;
    if (co_await async::with_deadline(until, readable(*line_.stream))) co_return;
  }
}

}  // namespace sinew::proxy
