#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <system_error>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/poller.hpp"
#include "sinew/async/socket_address.hpp"
#include "sinew/async/stream.hpp"

namespace sinew::async {

// A TCP connection of a Reactor, registered once for edges of both directions. A read is tried only
// after an edge, a short one clears the flag, the peer's end is remembered: no call finds out that
// there is nothing to do.
class SocketStream final : public Stream, private PollTarget {
 public:
  // Bytes moved a direction and turn before others have their turn: two receive buffers of Linux's
  // default size (tcp(7), tcp_rmem).
  static constexpr std::size_t bytes_per_turn = 256 * 1024;

  enum class State : bool { connecting, connected };

  SocketStream(Poller& poller, Descriptor socket, const SocketAddress& peer, State state) noexcept;
  ~SocketStream() override;
  // Once, before use. After an error the stream is of no use.
  std::error_code attach() noexcept;
  // Of a socket that became writable while connecting.
  std::error_code connected() noexcept;

  IoResult try_read(std::span<std::byte> into) noexcept override;
  IoResult try_write(std::span<const std::byte> from) noexcept override;
  IoResult try_write_gathered(Pieces from) noexcept override;
  bool undisturbed() noexcept override;
  void shutdown_write() noexcept override;
  void close() noexcept override;
  Endpoint peer() const override { return peer_.endpoint(); }

 private:
  void on_ready(PollEvents events) noexcept override;
  IoResult failed(int error_number) noexcept;
  std::optional<IoResult> unwritable() noexcept;
  IoResult sent(ssize_t result, std::size_t offered) noexcept;
  void release() noexcept;

  Poller& poller_;
  Descriptor socket_;
  SocketAddress peer_;
  TurnBudget read_budget_{bytes_per_turn};
  TurnBudget write_budget_{bytes_per_turn};
  std::error_code broken_;      // the first error: the kernel reports a reset only once
  bool peer_finished_ = false;  // its end has arrived, maybe behind data
  bool finished_ = false;       // and all data has been read
  bool hung_up_ = false;        // no more edges will come
};

// Errors: invalid_input, unavailable, timeout, cancelled, exhausted.
Task<std::unique_ptr<Stream>> connect_socket(Poller& poller, Endpoint endpoint);

}  // namespace sinew::async
