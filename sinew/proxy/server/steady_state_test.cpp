#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/proxy/server/engine.hpp"
#include "tests/support/counted_allocations.hpp"

// What a request costs on real sockets once everything is warm.
namespace sinew::proxy {
namespace {

class Silent final : public ExchangeObserver {
 public:
  void ended(const ExchangeRecord& record) noexcept override {
    if (record.status == 200) ++answered;
  }
  std::size_t answered = 0;
};

constexpr std::string_view kRequest =
    "GET /orders/7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

// One read and one write, without an allocation of its own.
Task<bool> turn(async::Stream& stream, std::string_view out, std::string_view mark, bool first) {
  std::array<std::byte, 2'048> buffer;
  std::size_t have = 0;
  if (first && stream.try_write(std::as_bytes(std::span(out))).error) co_return false;
  for (;;) {
    const async::IoResult read = stream.try_read(std::span(buffer).subspan(have));
    have += read.bytes;
    const std::string_view text(reinterpret_cast<const char*>(buffer.data()), have);
    if (text.ends_with(mark)) break;
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return false;
    if (co_await stream.readable()) co_return false;
  }
  if (!first && stream.try_write(std::as_bytes(std::span(out))).error) co_return false;
  co_return true;
}

Task<void> back_end(async::Listener& listener) {
  const auto stream = co_await listener.accept();
  while (co_await turn(*stream, kAnswer, "\r\n\r\n", false)) {
  }
}

TEST(SteadyStateTest, ARequestOnAKeptConnectionAllocatesNothing) {
  async::OffloadPools pools;
  async::Reactor reactor(pools);
  const auto listener = reactor.listen({});
  ClusterSettings settings;
  settings.name = "orders";
  settings.targets = {{.host = "127.0.0.1", .port = listener->local().port}};
  EndpointRegistry registry;
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = 1;
  snapshot->table = RouteTable(std::vector<RouteRule>{{.paths = {"/"}}});
  snapshot->routes.resize(1);
  snapshot->routes[0].name = "orders";
  snapshot->clusters = {
      std::make_shared<Cluster>(settings, registry.configure(settings.targets).set)};
  const std::uint16_t port = [&] { return reactor.listen({})->local().port; }();
  snapshot->listeners.push_back({.address = {.address = "127.0.0.1", .port = port}});
  Silent observer;
  Engine engine({}, snapshot, [&](std::size_t) -> ExchangeObserver& { return observer; });
  async::Scope scope(reactor, "proxy");
  scope.spawn(back_end(*listener));
  scope.spawn(engine.work(reactor, 0));

  std::size_t allocated = 0;
  reactor.run([](async::Reactor& on, std::uint16_t to, std::size_t& counted) -> Task<void> {
    const auto stream = co_await on.connect({.address = "127.0.0.1", .port = to});
    for (int i = 0; i < 200; ++i)
      EXPECT_TRUE(co_await turn(*stream, kRequest, "hello", true));
    const std::size_t before = test::allocations.load();
    for (int i = 0; i < 1'000; ++i)
      EXPECT_TRUE(co_await turn(*stream, kRequest, "hello", true));
    counted = test::allocations.load() - before;
  }(reactor, port, allocated));
  reactor.run([](Engine& ending) -> Task<void> {
    co_await ending.drain({}, std::chrono::milliseconds(50));
  }(engine));
  listener->close();
  scope.cancel();
  reactor.run([](async::Scope& all) -> Task<void> { co_await all.join(); }(scope));

#if !__has_feature(address_sanitizer)  // where every frame comes from the heap
  EXPECT_EQ(allocated, 0U);
#endif
  EXPECT_EQ(observer.answered, 1'200U);
}

}  // namespace
}  // namespace sinew::proxy
