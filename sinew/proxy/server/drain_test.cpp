#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/socket_address.hpp"
#include "sinew/proxy/process/privileges.hpp"
#include "sinew/proxy/server/engine.hpp"

// What becomes of connections that the system has taken and the proxy has not.
namespace sinew::proxy {
namespace {

constexpr std::string_view kRequest =
    "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
// Many more than are accepted in a turn: the listener is told to close while most of them wait.
constexpr std::size_t kVisitors = 1'000;

class Silent final : public ExchangeObserver {
 public:
  void ended(const ExchangeRecord&) noexcept override {}
};

// A proxy without any route, on real sockets; its reactor turns only when told to.
class DrainTest : public testing::Test {
 protected:
  void SetUp() override {
    if (raise_file_limit().now < 3 * kVisitors) GTEST_SKIP() << "too few open files are allowed";
  }
  SnapshotPtr snapshot(std::uint64_t version, std::vector<async::Endpoint> addresses) {
    auto made = std::make_shared<Snapshot>();
    made->version = version;
    made->table = RouteTable(std::vector<RouteRule>{});
    for (auto& address : addresses)
      made->listeners.push_back({.address = std::move(address)});
    return made;
  }
  async::Endpoint free_address() { return reactor_.listen({})->local(); }

  // Connects and asks without a turn of the reactor: the system alone has taken it.
  async::Descriptor ask(const async::Endpoint& endpoint) {
    const async::SocketAddress address(endpoint);
    async::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), address.data(), address.size()), 0);
    EXPECT_EQ(::send(socket.get(), kRequest.data(), kRequest.size(), 0), std::ssize(kRequest));
    EXPECT_EQ(::shutdown(socket.get(), SHUT_WR), 0);
    return socket;
  }
  static std::string answer_to(const async::Descriptor& socket) {
    std::array<char, 4'096> text;
    const ssize_t size = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
    return size <= 0 ? "none" : std::string(text.data(), static_cast<std::size_t>(size));
  }

  async::OffloadPools pools_;
  async::Reactor reactor_{pools_};
  Silent observer_;
};

TEST_F(DrainTest, WhoWaitsToBeAcceptedIsServed) {
  const async::Endpoint address = free_address();
  Engine engine({}, snapshot(1, {address}),
                [&](std::size_t) -> ExchangeObserver& { return observer_; });
  async::Scope scope(reactor_, "proxy");
  scope.spawn(engine.work(reactor_, 0));
  reactor_.run_until([&] { return engine.listening(); });
  std::vector<async::Descriptor> clients;
  for (std::size_t i = 0; i < kVisitors; ++i)
    clients.push_back(ask(address));

  reactor_.run([](Engine& ending) -> Task<void> {
    co_await ending.drain({}, std::chrono::seconds(10));
  }(engine));
  reactor_.run_until([&] { return scope.size() == 0; });

  for (const async::Descriptor& client : clients)
    EXPECT_TRUE(answer_to(client).starts_with("HTTP/1.1 404"));
  EXPECT_EQ(engine.counts().at(0).accepted, clients.size());
}

TEST_F(DrainTest, WhoWaitsAtAListenerThatAReloadRemovesIsServed) {
  const async::Endpoint old = free_address();
  const async::Endpoint fresh = free_address();
  Engine engine({}, snapshot(1, {old}),
                [&](std::size_t) -> ExchangeObserver& { return observer_; });
  async::Scope scope(reactor_, "proxy");
  scope.spawn(engine.work(reactor_, 0));
  reactor_.run_until([&] { return engine.listening(); });
  std::vector<async::Descriptor> clients;
  for (std::size_t i = 0; i < kVisitors; ++i)
    clients.push_back(ask(old));

  reactor_.run([](Engine& reloaded, SnapshotPtr next) -> Task<void> {
    co_await reloaded.replace(std::move(next));
  }(engine, snapshot(2, {fresh})));
  reactor_.run_until([&] { return engine.counts().at(0).connections == 0; });

  for (const async::Descriptor& client : clients)
    EXPECT_TRUE(answer_to(client).starts_with("HTTP/1.1 404"));
  EXPECT_NO_THROW(reactor_.listen(old));
  reactor_.run([](Engine& ending) -> Task<void> {
    co_await ending.drain({}, std::chrono::seconds(1));
  }(engine));
  reactor_.run_until([&] { return scope.size() == 0; });
}

}  // namespace
}  // namespace sinew::proxy
