#include "sinew/async/socket_listener.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <climits>

#include "sinew/async/socket_error.hpp"
#include "sinew/async/socket_stream.hpp"

namespace sinew::async {
namespace {

constexpr Subscription acceptable{.readable = true, .trigger = Trigger::level};
constexpr Subscription nothing{.trigger = Trigger::level};

Descriptor open_reserve() noexcept { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

SocketListener::SocketListener(Poller& poller, const Endpoint& endpoint,
                               const ListenOptions& options)
    : poller_(poller), reserve_(open_reserve()), local_(endpoint) {
  bind_and_listen(endpoint, options);
  if (const auto error = poller_.add(socket_.get(), nothing, *this)) {
    throw socket_error("cannot listen on " + to_string(endpoint), error.value());
  }
}

void SocketListener::bind_and_listen(const Endpoint& endpoint, const ListenOptions& options) {
  const auto check = [&](bool good) {
    if (!good) throw socket_error("cannot listen on " + to_string(endpoint), errno);
  };
  socket_ = Descriptor(::socket(local_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  check(bool(socket_) && bool(reserve_));
  const auto enable = [&](int level, int option) {
    const int yes = 1;
    check(::setsockopt(socket_.get(), level, option, &yes, sizeof yes) == 0);
  };
  enable(SOL_SOCKET, SO_REUSEADDR);
  if (options.shared) enable(SOL_SOCKET, SO_REUSEPORT);
  if (options.only_ipv6 && local_.family() == AF_INET6) enable(IPPROTO_IPV6, IPV6_V6ONLY);
  enable(IPPROTO_TCP, TCP_NODELAY);  // what is accepted inherits it
  check(::bind(socket_.get(), local_.data(), local_.size()) == 0);
  check(::listen(socket_.get(), options.backlog > 0 ? options.backlog : INT_MAX) == 0);
  socklen_t size = SocketAddress::capacity;
  check(::getsockname(socket_.get(), local_.data(), &size) == 0);
}

SocketListener::~SocketListener() { close(); }

void SocketListener::close() noexcept {
  if (!socket_) return;
  poller_.remove(socket_.get());
  socket_.reset();
  acceptors_.notify_all();
}

void SocketListener::listen_to_kernel(bool on) noexcept {
  if (reported_ == on) return;
  reported_ = on;
  poller_.modify(socket_.get(), on ? acceptable : nothing, *this);
}

void SocketListener::on_ready(PollEvents) noexcept {
  acceptable_ = true;
  if (acceptors_.empty()) listen_to_kernel(false);
  acceptors_.notify_all();
}

Task<std::unique_ptr<Stream>> SocketListener::accept() {
  while (true) {
    if (!socket_) throw Error(Condition::cancelled, "the listener is closed");
    if (budget_.spent(poller_.turn())) acceptable_ = false;
    if (!acceptable_) {
      listen_to_kernel(true);
      const WaitOutcome outcome = co_await acceptors_.wait();
      if (outcome == WaitOutcome::done) continue;
      const bool late = outcome == WaitOutcome::timed_out;
      throw Error(late ? Condition::timeout : Condition::cancelled,
                  late ? "no connection came in before the deadline" : "accepting was cancelled");
    }
    SocketAddress peer;
    socklen_t size = SocketAddress::capacity;
    Descriptor socket(::accept4(socket_.get(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    int error_number = errno;
    if (socket) {
      budget_.use(1);
      auto stream = std::make_unique<SocketStream>(poller_, std::move(socket), peer,
                                                   SocketStream::State::connected);
      const auto error = stream->attach();
      if (!error) co_return stream;
      error_number = error.value();
    }
    const Verdict verdict = judge(error_number);
    if (verdict == Verdict::wait) acceptable_ = false;
    if (verdict == Verdict::pause) co_await sleep_for(exhausted_pause);
  }
}

// accept(2), "Error handling": what went wrong with one connection says nothing of the next.
SocketListener::Verdict SocketListener::judge(int error_number) noexcept {
  switch (error_number) {
    case EAGAIN: return Verdict::wait;
    case EMFILE:
    case ENFILE: budget_.use(1); return refuse_one();
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC: return Verdict::pause;
    default: budget_.use(1); return Verdict::retry;
  }
}

SocketListener::Verdict SocketListener::refuse_one() noexcept {
  if (!reserve_) reserve_ = open_reserve();
  if (!reserve_) return Verdict::pause;
  reserve_.reset();
  Descriptor refused(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int error_number = refused ? 0 : errno;
  refused.reset();
  reserve_ = open_reserve();
  if (error_number == 0) return Verdict::retry;
  return error_number == EAGAIN ? Verdict::wait : Verdict::pause;
}

}  // namespace sinew::async
