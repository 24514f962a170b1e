#include "sinew/async/sim/network.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::async::sim {
namespace {

using namespace std::chrono_literals;
using sinew::tests::for_seeds;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>('a' + (i * 7 + i / 26) % 26);
  return text;
}

struct Received {
  std::string bytes;
  std::error_code error;  // none at the end of the stream
};

// Reads to the end of the stream or its failure, `chunk` bytes at a time.
Task<Received> read_all(Stream& stream, std::size_t chunk) {
  Received received;
  std::vector<std::byte> buffer(chunk);
  while (true) {
    const IoResult result = stream.try_read(buffer);
    received.bytes.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
    if (result.end_of_stream) co_return received;
    received.error = result.error;
    if (result.error == std::errc::operation_would_block) {
      received.error = co_await stream.readable();
    }
    if (received.error) co_return received;
  }
}

// Two nodes and a connection between them, made at once.
class Pair {
 public:
  explicit Pair(std::uint64_t seed, const Options& options = {})
      : world(seed, options), client(world.add_node("client")), server(world.add_node("server")) {
    listener = server.listen({"127.0.0.1", 0});
    Scope scope(server);
    scope.spawn(accept());
    near = client.run(connect());
    world.run_until([&] { return far != nullptr; });
  }

  Task<void> accept() { far = co_await listener->accept(); }
  Task<std::unique_ptr<Stream>> connect() { co_return co_await client.connect(listener->local()); }

  World world;
  Node& client;
  Node& server;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> near;
  std::unique_ptr<Stream> far;
};

Task<void> write_and_finish(Stream& stream, std::string text, std::error_code& error) {
  error = co_await write_all(stream, bytes_of(text));
  stream.shutdown_write();
}

Task<void> read_into(Stream& stream, std::size_t chunk, Received& received) {
  received = co_await read_all(stream, chunk);
}

TEST(Network, CarriesEveryByteInOrderBothWaysWithBackPressure) {
  for_seeds(100, [](std::uint64_t seed) {
    Options options;
    options.network.buffer_bytes = 1 + seed * 13 % 500;
    Pair pair(seed, options);
    const std::string there = pattern(10'000);
    const std::string back = pattern(5'000);
    Received at_server;
    Received at_client;
    std::error_code errors[2];
    Scope client(pair.client);
    Scope server(pair.server);

    client.spawn(write_and_finish(*pair.near, there, errors[0]));
    client.spawn(read_into(*pair.near, 1 + seed % 700, at_client));
    server.spawn(write_and_finish(*pair.far, back, errors[1]));
    server.spawn(read_into(*pair.far, 1 + seed % 300, at_server));
    pair.world.run_until_idle();

    EXPECT_EQ(at_server.bytes, there);
    EXPECT_EQ(at_client.bytes, back);
    for (const std::error_code& error : {errors[0], errors[1], at_server.error, at_client.error})
      EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(client.size() + server.size(), 0);
  });
}

TEST(Network, WriterWaitsWhenTheBufferIsFull) {
  Options options;
  options.network.buffer_bytes = 100;
  options.network.short_write = 0;
  Pair pair(1, options);
  const std::string text = pattern(150);

  const IoResult written = pair.near->try_write(bytes_of(text));
  pair.world.run_until_idle();
  const IoResult refused = pair.near->try_write(bytes_of(text));

  EXPECT_EQ(written.bytes, 100);
  EXPECT_EQ(refused.bytes, 0);
  EXPECT_EQ(refused.error, std::errc::operation_would_block);
  std::vector<std::byte> buffer(100);
  EXPECT_EQ(pair.far->try_read(buffer).bytes, 100);
  pair.world.run_until_idle();
  EXPECT_EQ(pair.near->try_write(bytes_of(text)).bytes, 100);
}

TEST(Network, ShortReadClearsTheEdgeAndFullReadKeepsIt) {
  Options options;
  options.network.pieces = 1;
  options.network.short_write = 0;
  Pair pair(1, options);
  const std::string text = pattern(10);
  pair.near->try_write(bytes_of(text));
  pair.world.run_until_idle();
  std::vector<std::byte> buffer(10);

  EXPECT_EQ(pair.far->try_read(std::span(buffer).first(4)).bytes, 4);
  EXPECT_TRUE(pair.far->readable().await_ready());
  EXPECT_EQ(pair.far->try_read(buffer).bytes, 6);
  EXPECT_FALSE(pair.far->readable().await_ready());
  EXPECT_EQ(pair.far->try_read(buffer).error, std::errc::operation_would_block);
}

TEST(Network, EndOfStreamComesAfterTheLastBytesAndStays) {
  Pair pair(1);
  std::vector<std::byte> buffer(100);
  Scope scope(pair.client);
  std::error_code error;
  scope.spawn(write_and_finish(*pair.near, pattern(10), error));
  pair.world.run_until_idle();

  const IoResult last = pair.far->try_read(buffer);
  EXPECT_EQ(last.bytes, 10);
  EXPECT_FALSE(last.end_of_stream);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(pair.far->readable().await_ready());
    const IoResult end = pair.far->try_read(buffer);
    EXPECT_TRUE(end.end_of_stream && end.bytes == 0 && !end.error);
  }
}

TEST(Network, HalfClosedStreamStillReceives) {
  Pair pair(1);
  const std::string answer = "done";

  pair.near->shutdown_write();
  pair.world.run_until_idle();
  Scope scope(pair.server);
  std::error_code error;
  scope.spawn(write_and_finish(*pair.far, answer, error));
  const Received received = pair.client.run(read_all(*pair.near, 100));

  EXPECT_EQ(received.bytes, answer);
  EXPECT_FALSE(received.error);
}

TEST(Network, WritingAfterTheOwnEndOfStreamBreaksTheStream) {
  Pair pair(1);
  const std::string text = "more";
  std::vector<std::byte> buffer(10);

  pair.near->shutdown_write();

  EXPECT_EQ(pair.near->try_write(bytes_of(text)).error, std::errc::broken_pipe);
  EXPECT_EQ(pair.near->try_read(buffer).error, std::errc::broken_pipe);
  pair.world.run_until_idle();
  EXPECT_TRUE(pair.far->try_read(buffer).end_of_stream);
}

TEST(Network, ClosingWithUnreadDataResetsThePeer) {
  Pair pair(1);
  const std::string text = pattern(10);
  pair.near->try_write(bytes_of(text));
  pair.world.run_until_idle();

  pair.far.reset();
  const Received received = pair.client.run(read_all(*pair.near, 100));

  EXPECT_EQ(received.error, std::errc::connection_reset);
  EXPECT_EQ(pair.near->try_write(bytes_of(text)).error, std::errc::connection_reset);
}

TEST(Network, WritingToAClosedPeerIsAnsweredByAReset) {
  Pair pair(1);
  pair.far.reset();
  pair.world.run_until_idle();
  const std::string text = "anyone there?";

  const IoResult first = pair.near->try_write(bytes_of(text));
  pair.world.run_until_idle();

  EXPECT_FALSE(first.error);
  EXPECT_EQ(pair.near->try_write(bytes_of(text)).error, std::errc::connection_reset);
}

TEST(Network, CloseEndsAPendingWaitWithAborted) {
  Pair pair(1);
  Received received;
  Scope scope(pair.server);
  scope.spawn(read_into(*pair.far, 10, received));
  pair.world.run_until_idle();
  ASSERT_EQ(scope.size(), 1);

  pair.far->close();
  pair.world.run_until_idle();

  EXPECT_EQ(scope.size(), 0);
  EXPECT_EQ(received.error, std::errc::connection_aborted);
}

TEST(Network, WaitsForReadingEndByDeadlineAndCancellation) {
  Pair pair(1);
  const auto wait = [](Stream& stream) -> Task<std::error_code> {
    co_return co_await stream.readable();
  };
  const auto late = [&]() -> Task<std::error_code> {
    co_return co_await with_deadline(pair.world.now() + 1s, wait(*pair.far));
  };
  EXPECT_EQ(pair.server.run(late()), std::errc::timed_out);

  std::error_code cancelled;
  const auto keep = [&]() -> Task<void> { cancelled = co_await pair.far->readable(); };
  Scope scope(pair.server);
  scope.spawn(keep());
  pair.world.run_until_idle();
  scope.cancel();
  pair.world.run_until_idle();
  EXPECT_EQ(cancelled, std::errc::operation_canceled);
}

TEST(Network, CrashResetsThePeersAndFreesTheAddress) {
  for_seeds(50, [](std::uint64_t seed) {
    Pair pair(seed);
    const Endpoint address = pair.listener->local();
    const std::string text = pattern(2000);
    pair.far->try_write(bytes_of(text));

    pair.server.crash();
    const Received received = pair.client.run(read_all(*pair.near, 100));

    EXPECT_EQ(received.error, std::errc::connection_reset);
    EXPECT_TRUE(text.starts_with(received.bytes));
    EXPECT_EQ(pair.far->try_write(bytes_of(text)).error, std::errc::connection_aborted);
    EXPECT_THROW(pair.client.run(pair.connect()), Error);
    Node& restarted = pair.world.add_node("server");
    EXPECT_EQ(restarted.listen(address)->local(), address);
  });
}

TEST(Network, AWholeConnectionMayBreakAtAnyWrite) {
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Options options;
    options.network.reset = 0.2;
    Pair pair(seed, options);
    const std::string text = pattern(50);
    Scope scope(pair.client);
    std::error_code error;
    Received received;
    scope.spawn(write_and_finish(*pair.near, text, error));
    Scope reading(pair.server);
    reading.spawn(read_into(*pair.far, 100, received));
    pair.world.run_until_idle();

    EXPECT_EQ(scope.size() + reading.size(), 0);
    EXPECT_EQ(static_cast<bool>(error), static_cast<bool>(received.error));
    EXPECT_TRUE(text.starts_with(received.bytes));
    broken += error ? 1 : 0;
  }
  EXPECT_GT(broken, 5);
  EXPECT_LT(broken, 60);
}

TEST(Network, CutResetsBothEndsOfWhatIsBetweenTwoNodes) {
  Pair pair(1);
  Node& other = pair.world.add_node("other");
  std::vector<std::byte> buffer(10);

  EXPECT_EQ(pair.world.network().cut(pair.client, other), 0);
  EXPECT_EQ(pair.world.network().cut(pair.client, pair.server), 1);

  EXPECT_EQ(pair.near->try_read(buffer).error, std::errc::connection_reset);
  EXPECT_EQ(pair.far->try_read(buffer).error, std::errc::connection_reset);
}

TEST(Network, CutOneTakesSomeOpenConnection) {
  Pair pair(1);
  EXPECT_EQ(pair.world.network().connections(), 1);
  EXPECT_TRUE(pair.world.network().cut_one());

  pair.near.reset();
  pair.far.reset();
  pair.world.run_until_idle();

  EXPECT_EQ(pair.world.network().connections(), 0);
  EXPECT_FALSE(pair.world.network().cut_one());
}

TEST(Network, PartitionHoldsBytesUntilItHeals) {
  Pair pair(1);
  const std::string text = pattern(100);
  Received received;
  std::error_code error;
  Scope client(pair.client);
  Scope server(pair.server);
  server.spawn(read_into(*pair.far, 100, received));

  pair.world.network().partition(pair.client, pair.server);
  client.spawn(write_and_finish(*pair.near, text, error));
  pair.world.run_for(10min);
  EXPECT_EQ(server.size(), 1);
  pair.world.network().heal(pair.client, pair.server);
  pair.world.run_until_idle();

  EXPECT_EQ(received.bytes, text);
  EXPECT_FALSE(received.error);
}

TEST(Network, ConnectAcrossAPartitionTriesAgainAndGivesUp) {
  Pair pair(1);
  Network& network = pair.world.network();
  network.partition(pair.client, pair.server);
  pair.world.at(pair.world.now() + 10s, [&] { network.heal(); });
  EXPECT_NE(pair.client.run(pair.connect()), nullptr);

  network.partition(pair.client, pair.server);
  const Instant start = pair.world.now();
  try {
    pair.client.run(pair.connect());
    FAIL() << "connected across a partition";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::timeout);
    EXPECT_EQ(error.applied(), Applied::no);
  }
  EXPECT_GT(pair.world.now() - start, 60s);
  EXPECT_LE(pair.world.now() - start, 127s);
}

TEST(Network, DelayAddsToTheLatency) {
  Pair pair(1);
  pair.world.network().delay(pair.client, pair.server, 3s);
  const Instant start = pair.world.now();

  pair.near->shutdown_write();
  pair.server.run(read_all(*pair.far, 10));

  EXPECT_GE(pair.world.now() - start, 3s);
}

TEST(Network, ConnectIsRefusedWhereNobodyListens) {
  World world(1);
  Node& node = world.add_node("a");
  const auto connect = [&](const Endpoint& endpoint) { return node.run(node.connect(endpoint)); };

  for (const auto& [endpoint, condition] :
       std::vector<std::pair<Endpoint, Condition>>{{{"127.0.0.1", 81}, Condition::unavailable},
                                                   {{"localhost", 81}, Condition::invalid_input}}) {
    try {
      connect(endpoint);
      FAIL() << to_string(endpoint);
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), condition) << to_string(endpoint);
    }
  }
}

TEST(Network, ListenRefusesAnAddressInUseUntilItIsClosed) {
  World world(1);
  Node& node = world.add_node("a");
  auto listener = node.listen({"127.0.0.1", 8080});

  EXPECT_THROW(node.listen({"127.0.0.1", 8080}), Error);
  EXPECT_THROW(node.listen({"0.0.0.0", 8080}), Error);
  EXPECT_NO_THROW(node.listen({"::1", 8080}));
  listener.reset();
  EXPECT_NO_THROW(node.listen({"0.0.0.0", 8080}));
}

TEST(Network, WildcardListenerAcceptsOnEveryAddress) {
  World world(1);
  Node& node = world.add_node("a");
  const auto listener = node.listen({"0.0.0.0", 8080});

  EXPECT_NE(node.run(node.connect({"127.0.0.7", 8080})), nullptr);
}

TEST(Network, ClosedListenerEndsAcceptAndResetsItsBacklog) {
  World world(1);
  Node& node = world.add_node("a");
  auto listener = node.listen({"127.0.0.1", 0});
  const auto waiting = node.run(node.connect(listener->local()));
  Scope scope(node);
  std::error_code error;

  listener->close();
  const auto received = node.run(read_all(*waiting, 10));
  EXPECT_EQ(received.error, std::errc::connection_reset);
  EXPECT_THROW(node.run(listener->accept()), Error);
}

TEST(Network, PendingAcceptSurvivesTheListenersEnd) {
  World world(1);
  Node& node = world.add_node("a");
  auto listener = node.listen({"127.0.0.1", 0});
  Scope scope(node);
  std::optional<Condition> ended;
  const auto accept = [](Task<std::unique_ptr<Stream>> pending,
                         std::optional<Condition>& condition) -> Task<void> {
    try {
      co_await pending;
    } catch (const Error& error) {
      condition = error.condition();
    }
  };
  scope.spawn(accept(listener->accept(), ended));
  world.run_until_idle();

  listener.reset();
  world.run_until_idle();

  EXPECT_EQ(ended, Condition::cancelled);
}

TEST(Network, FullBacklogMakesConnectTryAgain) {
  Options options;
  options.network.backlog = 1;
  World world(1, options);
  Node& node = world.add_node("a");
  const auto listener = node.listen({"127.0.0.1", 0});
  const auto first = node.run(node.connect(listener->local()));
  const auto second = [&]() -> Task<std::unique_ptr<Stream>> {
    co_return co_await with_deadline(world.now() + 500ms, node.connect(listener->local()));
  };

  EXPECT_THROW(node.run(second()), Error);
  const auto accepted = node.run(listener->accept());
  EXPECT_NE(node.run(second()), nullptr);
}

TEST(Network, RefusalsComeAtTheChosenRateUntilHealed) {
  Options options;
  options.network.refuse = 0.5;
  World world(1, options);
  Node& node = world.add_node("a");
  const auto listener = node.listen({"127.0.0.1", 0});
  int refused = 0;
  const auto count_refusals = [&] {
    for (int i = 0; i < 100; ++i) {
      try {
        node.run(node.connect(listener->local()));
        node.run(listener->accept());
      } catch (const Error& error) {
        EXPECT_EQ(error.condition(), Condition::unavailable);
        ++refused;
      }
    }
  };

  count_refusals();
  EXPECT_GT(refused, 30);
  EXPECT_LT(refused, 70);
  refused = 0;
  world.heal();
  count_refusals();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace sinew::async::sim
