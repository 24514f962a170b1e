#include "sinew/async/socket_stream.hpp"

#include <netinet/tcp.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sinew/async/socket_error.hpp"

namespace sinew::async {
namespace {

const IoResult would_block{.bytes = 0,
                           .error = std::make_error_code(std::errc::operation_would_block)};
const IoResult aborted{.error = std::make_error_code(std::errc::connection_aborted)};

}  // namespace

SocketStream::SocketStream(Poller& poller, Descriptor socket, const SocketAddress& peer,
                           State state) noexcept
    : poller_(poller), socket_(std::move(socket)), peer_(peer) {
  writable_ = state == State::connected;
}

SocketStream::~SocketStream() { release(); }

void SocketStream::release() noexcept {
  if (!socket_) return;
  poller_.remove(socket_.get());
  socket_.reset();
}

std::error_code SocketStream::attach() noexcept {
  return poller_.add(socket_.get(), both_edges, *this);
}

std::error_code SocketStream::connected() noexcept {
  int error_number = 0;
  socklen_t size = sizeof error_number;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error_number, &size) != 0) {
    error_number = errno;
  }
  return {error_number, std::generic_category()};
}

void SocketStream::on_ready(PollEvents events) noexcept {
  peer_finished_ |= events.peer_finished;
  hung_up_ |= events.failed;
  if (events.readable || peer_finished_ || hung_up_) set_readable();
  if (events.writable || hung_up_) set_writable();
}

IoResult SocketStream::failed(int error_number) noexcept {
  if (!broken_) broken_ = std::error_code(error_number, std::generic_category());
  set_readable();
  return {.error = broken_};
}

IoResult SocketStream::try_read(std::span<std::byte> into) noexcept {
  if (!socket_) return aborted;
  if (finished_) return {.end_of_stream = true};
  if (into.empty()) return {};
  if (!readable_) return would_block;
  if (read_budget_.spent(poller_.turn())) {
    readable_ = false;
    poller_.again(*this, {.readable = true});
    return would_block;
  }
  ssize_t got = ::recv(socket_.get(), into.data(), into.size(), 0);
  while (got < 0 && errno == EINTR)
    got = ::recv(socket_.get(), into.data(), into.size(), 0);
  if (got < 0 && errno != EAGAIN) return failed(errno);
  if (got <= 0 && broken_) return {.error = broken_};  // not the end that the kernel then tells
  if (got <= 0) {
    readable_ = finished_ = got == 0;
    return finished_ ? IoResult{.end_of_stream = true} : would_block;
  }
  const auto bytes = static_cast<std::size_t>(got);
  read_budget_.use(bytes);
  if (bytes < into.size() && !hung_up_ && !broken_) readable_ = finished_ = peer_finished_;
  return {.bytes = bytes};
}

IoResult SocketStream::try_write(std::span<const std::byte> from) noexcept {
  if (from.empty() && socket_ && !broken_) return {};
  if (const auto refused = unwritable()) return *refused;
  ssize_t result = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR) {
    result = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL);
  }
  return sent(result, from.size());
}

IoResult SocketStream::try_write_gathered(Pieces from) noexcept {
  std::array<iovec, pieces_at_once> parts;
  std::size_t count = 0;
  std::size_t offered = 0;
  for (const auto piece : from.first(std::min(from.size(), parts.size()))) {
    if (piece.empty()) continue;
    // sendmsg() does not write there; iovec is also that of reads.
    parts[count++] = {const_cast<std::byte*>(piece.data()), piece.size()};
    offered += piece.size();
  }
  if (offered == 0 && from.size() > parts.size()) {
    return try_write_gathered(from.subspan(parts.size()));
  }
  if (offered == 0) return try_write({});
  if (const auto refused = unwritable()) return *refused;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  ssize_t result = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR)
    result = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
  return sent(result, offered);
}

// The result of a write that need not be tried.
std::optional<IoResult> SocketStream::unwritable() noexcept {
  if (!socket_) return aborted;
  if (broken_) return IoResult{.error = broken_};
  if (!writable_) return would_block;
  if (!write_budget_.spent(poller_.turn())) return std::nullopt;
  writable_ = false;
  poller_.again(*this, {.writable = true});
  return would_block;
}

IoResult SocketStream::sent(ssize_t result, std::size_t offered) noexcept {
  if (result < 0) {
    if (errno != EAGAIN) return failed(errno);
    writable_ = false;
    return would_block;
  }
  const auto bytes = static_cast<std::size_t>(result);
  write_budget_.use(bytes);
  if (bytes < offered) writable_ = false;
  return {.bytes = bytes};
}

// While the turn's budget keeps it from reading, what there is to read is unknown.
bool SocketStream::undisturbed() noexcept { return Stream::undisturbed() && !linked(); }

void SocketStream::shutdown_write() noexcept {
  if (socket_) ::shutdown(socket_.get(), SHUT_WR);
}

void SocketStream::close() noexcept {
  release();
  set_readable();
  set_writable();
}

namespace {

// The kernel connects a socket to itself when a port of the ephemeral range is tried that nobody
// listens to and that it happens to choose as the source: such a peer answers with our own bytes.
bool connected_to_itself(int socket) noexcept {
  SocketAddress near, far;
  socklen_t near_size = SocketAddress::capacity;
  socklen_t far_size = SocketAddress::capacity;
  if (::getsockname(socket, near.data(), &near_size) != 0) return false;
  if (::getpeername(socket, far.data(), &far_size) != 0) return false;
  return near.endpoint() == far.endpoint();
}

Error not_connected(const Endpoint& endpoint, int error_number) {
  return socket_error("cannot connect to " + to_string(endpoint), error_number);
}

Descriptor start_connecting(const Endpoint& endpoint, const SocketAddress& address) {
  Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) throw not_connected(endpoint, errno);
  const int yes = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(socket.get(), address.data(), address.size()) != 0 && errno != EINPROGRESS) {
    throw not_connected(endpoint, errno);
  }
  return socket;
}

}  // namespace

Task<std::unique_ptr<Stream>> connect_socket(Poller& poller, Endpoint endpoint) {
  const SocketAddress address(endpoint);
  Descriptor socket = start_connecting(endpoint, address);
  const int number = socket.get();
  auto stream = std::make_unique<SocketStream>(poller, std::move(socket), address,
                                               SocketStream::State::connecting);
  if (const auto error = stream->attach()) throw not_connected(endpoint, error.value());
  if (const auto error = co_await stream->writable()) {
    const bool late = error == std::errc::timed_out;
    throw Error(
        late ? Condition::timeout : Condition::cancelled,
        (late ? "the deadline passed while connecting to " : "cancelled while connecting to ") +
            to_string(endpoint));
  }
  if (const auto error = stream->connected()) throw not_connected(endpoint, error.value());
  if (connected_to_itself(number)) throw not_connected(endpoint, ECONNREFUSED);
  co_return stream;
}

}  // namespace sinew::async
