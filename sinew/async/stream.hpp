#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "sinew/async/wait.hpp"

namespace sinew::async {

// A numeric address and port. Names are resolved by net::.
struct Endpoint {
  std::string address = "127.0.0.1";  // IPv4 or IPv6, without brackets
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
std::string to_string(const Endpoint& endpoint);  // 127.0.0.1:80, [::1]:80

struct IoResult {
  std::size_t bytes = 0;
  std::error_code error = {};  // operation_would_block: wait; anything else: the stream is broken
  bool end_of_stream = false;  // all that the peer sent was read, `bytes` is 0; only from reads
};

// Bytes that lie in several places and are sent one after the other.
using Pieces = std::span<const std::span<const std::byte>>;

// Told of the edges of a stream as they come, within the event: for a stream that wraps another. It
// does not close or destroy the stream there.
class StreamObserver {
 public:
  virtual void on_readable() noexcept = 0;
  virtual void on_writable() noexcept = 0;

 protected:
  ~StreamObserver() = default;
};

// A connected byte stream, both directions registered once. Reads and writes never block and never
// suspend; readable() and writable() do, without holding a buffer. One reader and one writer at a
// time; one worker. Closed when destroyed.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  virtual IoResult try_read(std::span<std::byte> into) noexcept = 0;
  virtual IoResult try_write(std::span<const std::byte> from) noexcept = 0;
  // As try_write() of all pieces as if they were one; `bytes` counts over all of them. A socket
  // sends up to `pieces_at_once` in one system call. Of more, and of what a short write left, the
  // rest is offered again: see drop_front().
  virtual IoResult try_write_gathered(Pieces from) noexcept;
  static constexpr std::size_t pieces_at_once = 16;
  // Sends end of stream after what was written; reading goes on.
  virtual void shutdown_write() noexcept = 0;
  // Ends both directions at once; pending and later operations fail with connection_aborted.
  virtual void close() noexcept = 0;
  virtual Endpoint peer() const = 0;

  // Of a connection that rests between two uses, everything asked for having been read: whether
  // nothing came since, neither bytes nor the peer's end nor an error. Where it is false the
  // connection is to be closed: what nobody asked for would be taken for the next answer. It knows
  // what the events of past turns told and costs no system call unless one told something; it may
  // be false without need right after a turn that moved as much as a turn may. An observer hears
  // of the edge the moment it comes.
  virtual bool undisturbed() noexcept;

  // co_await stream.readable(): returns when a read is worth trying: {}, timed_out or
  // operation_canceled. Never throws.
  class [[nodiscard]] Readiness : public WaitQueue::Awaiter {
   public:
    Readiness(WaitQueue& queue, const bool& ready) noexcept : Awaiter(queue), ready_(&ready) {}
    bool await_ready() const noexcept { return *ready_; }
    std::error_code await_resume() const noexcept;

   private:
    const bool* ready_;
  };
  Readiness readable() noexcept { return {readers_, readable_}; }
  Readiness writable() noexcept { return {writers_, writable_}; }

  // Tells `observer` of every edge from here on; null ends it. One at a time.
  void observe(StreamObserver* observer) noexcept { observer_ = observer; }

 protected:
  // Set by an edge, cleared by an implementation's short read or write.
  void set_readable() noexcept {
    readable_ = true;
    readers_.notify_all();
    if (observer_ != nullptr) observer_->on_readable();
  }
  void set_writable() noexcept {
    writable_ = true;
    writers_.notify_all();
    if (observer_ != nullptr) observer_->on_writable();
  }

  bool readable_ = false;
  bool writable_ = true;

 private:
  WaitQueue readers_;
  WaitQueue writers_;
  StreamObserver* observer_ = nullptr;
};

// Writes all of `from`, which stays alive until the await returns. Gives the error, or {}.
Task<std::error_code> write_all(Stream& stream, std::span<const std::byte> from);

// Takes the first `bytes` of `pieces` away, with the pieces that are empty then. At most what they
// hold.
void drop_front(std::span<std::span<const std::byte>>& pieces, std::size_t bytes) noexcept;

// How an address is listened on.
struct ListenOptions {
  // Several listeners of one address, one a worker as a rule; the system shares new connections out
  // among them (SO_REUSEPORT). All of them ask for it, in whatever process of the same user: who
  // must not share with a stranger makes sure of that first. What waits to be accepted by one of
  // them is reset when that one closes, not given to the others.
  bool shared = false;
  // Connections that wait to be accepted; the system cuts it to net.core.somaxconn. 0: all of that.
  int backlog = 0;
  // Of an IPv6 wildcard: IPv6 alone. Otherwise IPv4 as well, where the system does so by default.
  bool only_ipv6 = false;
};

// An address that accepts. One acceptor at a time. Closed when destroyed; close() also ends a
// pending accept.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  virtual Endpoint local() const = 0;
  // The next connection. Errors: cancelled (closed, scope cancelled). Running out of descriptors is
  // survived inside: the connection is refused and accepting goes on.
  virtual Task<std::unique_ptr<Stream>> accept() = 0;
  virtual void close() noexcept = 0;
};

}  // namespace sinew::async
