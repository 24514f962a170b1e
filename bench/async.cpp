// What the runtime costs: an await, a timer, an offload, and a round trip over loopback beside the
// same system calls made by hand.

#include <benchmark/benchmark.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <vector>

#include "sinew/async/offload.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/socket_address.hpp"
#include "sinew/async/timer_wheel.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_bytes = 512;
using Message = std::array<std::byte, message_bytes>;

Task<int> one() { co_return 1; }

void await_a_task(benchmark::State& state) {
  OffloadPools pools;
  Reactor reactor(pools);
  auto body = [&]() -> Task<> {
    for (auto _ : state)
      benchmark::DoNotOptimize(co_await one());
  };
  reactor.run(body());
}
BENCHMARK(await_a_task);

void pass_through_the_ready_list(benchmark::State& state) {
  OffloadPools pools;
  Reactor reactor(pools);
  auto spin = [](const bool& over) -> Task<> {
    while (!over)
      co_await yield();
  };
  auto body = [&]() -> Task<> {
    bool over = false;
    Scope scope(co_await this_context());
    for (int i = 0; i < 999; ++i)
      scope.spawn(spin(over));
    for (auto _ : state)
      co_await yield();
    over = true;
    co_await scope.join();
  };
  reactor.run(body());
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(pass_through_the_ready_list);

class Nothing final : public Timer {
 public:
  void fire() noexcept override {}
};

void arm_and_disarm_a_timer(benchmark::State& state) {
  TimerWheel wheel(Instant(1h));
  std::array<Nothing, 1024> timers;
  std::size_t next = 0;
  for (auto _ : state) {
    wheel.arm(timers[next++ % timers.size()], Instant(1h + 30s + Duration(next)));
  }
}
BENCHMARK(arm_and_disarm_a_timer);

void offload_and_come_back(benchmark::State& state) {
  OffloadPools pools;
  Reactor reactor(pools);
  auto body = [&]() -> Task<> {
    for (auto _ : state)
      co_await offload([] {});
  };
  reactor.run(body());
}
BENCHMARK(offload_and_come_back)->UseRealTime();

// The buffer has room for more than a message, as that of a server has: a short read.
Task<> receive(Stream& stream) {
  std::array<std::byte, 4 * message_bytes> buffer;
  for (std::size_t got = 0; got < message_bytes;) {
    if (const auto error = co_await stream.readable()) throw std::system_error(error);
    const IoResult result = stream.try_read(buffer);
    got += result.bytes;
    if (result.end_of_stream) throw Error(Condition::cancelled, "the peer has left");
  }
}

Task<> echo(std::unique_ptr<Stream> stream) {
  const Message message{};
  while (true) {
    co_await receive(*stream);
    co_await write_all(*stream, message);
  }
}

// `connections` pairs in one reactor, each with one message on its way.
void round_trip(benchmark::State& state) {
  OffloadPools pools;
  Reactor reactor(pools);
  const auto connections = state.range(0);
  auto ping = [](Stream& stream, std::int64_t times) -> Task<> {
    const Message message{};
    for (; times > 0; --times) {
      co_await write_all(stream, message);
      co_await receive(stream);
    }
  };
  auto body = [&]() -> Task<> {
    Scope echoes(co_await this_context());
    auto listener = reactor.listen({});
    std::vector<std::unique_ptr<Stream>> streams;
    for (std::int64_t i = 0; i < connections; ++i) {
      streams.push_back(co_await reactor.connect(listener->local()));
      echoes.spawn(echo(co_await listener->accept()));
    }
    for (auto _ : state) {
      Scope scope(co_await this_context());
      for (auto& stream : streams)
        scope.spawn(ping(*stream, 100));
      co_await scope.join();
    }
    echoes.cancel();
  };
  reactor.run(body());
  state.SetItemsProcessed(state.iterations() * connections * 100);
}
BENCHMARK(round_trip)->Arg(1)->Arg(64)->UseRealTime();

// The four transfers of a round trip by blocking calls on one thread: nothing is ever waited for.
void round_trip_by_hand(benchmark::State& state) {
  const auto tcp = [] { return Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); };
  const Descriptor listener = tcp(), near = tcp();
  SocketAddress address(Endpoint{});
  socklen_t size = SocketAddress::capacity;
  ::bind(listener.get(), address.data(), address.size());
  ::listen(listener.get(), 1);
  ::getsockname(listener.get(), address.data(), &size);
  ::connect(near.get(), address.data(), address.size());
  const Descriptor far(::accept(listener.get(), nullptr, nullptr));
  const int yes = 1;
  for (const int end : {near.get(), far.get()}) {
    ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  Message message{};
  for (auto _ : state) {
    ::send(near.get(), message.data(), message.size(), 0);
    ::recv(far.get(), message.data(), message.size(), 0);
    ::send(far.get(), message.data(), message.size(), 0);
    ::recv(near.get(), message.data(), message.size(), 0);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(round_trip_by_hand);

}  // namespace
}  // namespace sinew::async

BENCHMARK_MAIN();
