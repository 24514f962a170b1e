#pragma once

#include "sinew/async/descriptor.hpp"
#include "sinew/async/poller.hpp"
#include "sinew/async/socket_address.hpp"
#include "sinew/async/stream.hpp"

namespace sinew::async {

// A listening TCP socket of a Reactor, level-triggered. It keeps a descriptor in reserve: when the
// process has none left, a waiting connection is accepted with it and closed, or the kernel would
// report that connection for ever.
class SocketListener final : public Listener, private PollTarget {
 public:
  // Connections accepted a turn before others have their turn.
  static constexpr std::size_t accepts_per_turn = 64;
  // How long accepting rests when there is no memory, or no descriptor and no reserve either.
  static constexpr Duration exhausted_pause = std::chrono::milliseconds(10);

  // Errors: conflict (address in use), unauthorized, invalid_input, exhausted.
  SocketListener(Poller& poller, const Endpoint& endpoint, const ListenOptions& options = {});
  ~SocketListener() override;

  Endpoint local() const override { return local_.endpoint(); }
  Task<std::unique_ptr<Stream>> accept() override;
  void close() noexcept override;

 private:
  enum class Verdict : std::uint8_t { retry, wait, pause };

  void on_ready(PollEvents events) noexcept override;
  void bind_and_listen(const Endpoint& endpoint, const ListenOptions& options);
  void listen_to_kernel(bool on) noexcept;
  Verdict judge(int error_number) noexcept;
  Verdict refuse_one() noexcept;

  Poller& poller_;
  Descriptor socket_;
  Descriptor reserve_;
  SocketAddress local_;
  TurnBudget budget_{accepts_per_turn};
  WaitQueue acceptors_;
  bool acceptable_ = false;
  bool reported_ = false;  // the kernel is asked to report; not while nobody accepts
};

}  // namespace sinew::async
