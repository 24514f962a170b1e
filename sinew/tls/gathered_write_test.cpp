#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sinew/tls/test_in_memory.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::tls {
namespace {

using namespace test;
using async::Scope;
using async::sim::Options;
using sinew::tests::for_seeds;

using Cut = std::vector<std::span<const std::byte>>;

// `text` in pieces of `size` bytes and of up to 40 times as many, in turn.
Cut cut(std::string_view text, std::size_t size) {
  Cut pieces;
  for (std::size_t nth = 0; !text.empty(); ++nth) {
    const std::size_t count = std::min(text.size(), nth % 3 == 1 ? size * 40 : size);
    pieces.push_back(bytes_of(text.substr(0, count)));
    text.remove_prefix(count);
  }
  return pieces;
}

Task<void> write_gathered(async::Stream& stream, Cut cut, std::error_code& error) {
  std::span<std::span<const std::byte>> pieces(cut);
  while (!pieces.empty() && !error) {
    const async::IoResult result = stream.try_write_gathered(pieces);
    async::drop_front(pieces, result.bytes);
    error = result.error;
    if (error == std::errc::operation_would_block) error = co_await stream.writable();
  }
  stream.shutdown_write();
}

TEST(GatheredWrite, SmallPiecesShareARecordAndAWrite) {
  InMemory connection(serve(), call());
  const std::string body = pattern(5'000);
  const Cut pieces{bytes_of("HTTP/1.1 200 OK\r\n"), bytes_of(""), bytes_of("\r\n"), bytes_of(body)};
  const std::size_t before = connection.server_pipe->writes;

  const async::IoResult result = connection.server->try_write_gathered(pieces);

  EXPECT_EQ(result.bytes, 19 + body.size());
  EXPECT_EQ(connection.server_pipe->writes - before, 1);
  const async::IoResult read = connection.client->try_read(connection.buffer);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(connection.buffer.data()), read.bytes),
            "HTTP/1.1 200 OK\r\n\r\n" + body);
}

TEST(GatheredWrite, NothingOfferedIsNothingWritten) {
  InMemory connection(serve(), call());
  const Cut empty{bytes_of(""), bytes_of("")};
  const std::size_t before = connection.server_pipe->writes;

  EXPECT_FALSE(connection.server->try_write_gathered({}).error);
  EXPECT_FALSE(connection.server->try_write_gathered(empty).error);

  EXPECT_EQ(connection.server_pipe->writes, before);
}

// Where the stream takes a record in parts, the rest is offered again, cut as it comes.
TEST(GatheredWrite, WhatWaitedIsOfferedAgainAndArrivesWhole) {
  for_seeds(60, [](std::uint64_t seed) {
    Options options;
    options.network.buffer_bytes = 1 + seed * 397 % 30'000;
    Connection connection(seed, options);
    connection.begin(serve(), call());
    connection.shake_hands();
    const std::string text = pattern(120'000);
    std::error_code written;
    Received received;
    Scope client(connection.client_node);
    Scope server(connection.server_node);

    client.spawn(write_gathered(*connection.client, cut(text, 1 + seed * 67 % 2'000), written));
    server.spawn(read_into(*connection.server, 5'000, received));
    connection.world.run_until_idle();

    EXPECT_FALSE(written) << written.message();
    EXPECT_FALSE(received.error) << received.error.message();
    EXPECT_TRUE(received.bytes == text);
  });
}

TEST(Undisturbed, ATicketDoesNotDisturbButDataAndTheEndDo) {
  ServerOptions options;
  options.ticket_keys = std::make_shared<TicketKeys>();
  InMemory connection(serve(std::move(options)), call());
  ASSERT_TRUE(connection.exchange(100));
  EXPECT_TRUE(connection.client->undisturbed());

  connection.server->try_write(bytes_of("x"));
  EXPECT_FALSE(connection.client->undisturbed());

  InMemory another(serve(), call());
  EXPECT_TRUE(another.client->undisturbed());
  another.server->shutdown_write();
  EXPECT_FALSE(another.client->undisturbed());
}

TEST(Undisturbed, APartOfARecordDisturbs) {
  InMemory connection(serve(), call());
  ASSERT_TRUE(connection.exchange(100));

  connection.server_pipe->try_write(bytes_of(std::string_view("\x17\x03\x03", 3)));
  EXPECT_FALSE(connection.client->undisturbed());
}

TEST(Undisturbed, OneThatIsClosedIsNot) {
  InMemory connection(serve(), call());

  connection.client->close();

  EXPECT_FALSE(connection.client->undisturbed());
}

}  // namespace
}  // namespace sinew::tls
