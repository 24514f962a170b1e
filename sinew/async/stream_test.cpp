#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "sinew/async/reactor.hpp"
#include "sinew/async/socket_stream.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

using Cut = std::vector<std::span<const std::byte>>;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// A stream whose peer is a plain socket: each of its messages is what one system call sent.
class StreamTest : public testing::Test {
 protected:
  StreamTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
              0);
    peer = Descriptor(ends[1]);
    stream = std::make_unique<SocketStream>(poller, Descriptor(ends[0]), SocketAddress(Endpoint{}),
                                            SocketStream::State::connected);
    EXPECT_FALSE(stream->attach());
    poller.wait(0);
  }

  std::string next_message() {
    std::string text(100'000, ' ');
    const ssize_t got = ::recv(peer.get(), text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  void peer_sends(std::string_view text) {
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), 0), std::ssize(text));
    poller.wait(0);
  }

  Poller poller;
  Descriptor peer;
  std::unique_ptr<SocketStream> stream;
};

TEST_F(StreamTest, PiecesLeaveInOneSystemCall) {
  const Cut pieces{bytes_of("GET / HTTP/1.1\r\n"), bytes_of(""), bytes_of("\r\n"),
                   bytes_of("body")};

  EXPECT_EQ(stream->try_write_gathered(pieces).bytes, 22);

  EXPECT_EQ(next_message(), "GET / HTTP/1.1\r\n\r\nbody");
  EXPECT_EQ(next_message(), "");
}

TEST_F(StreamTest, MorePiecesThanLeaveAtOnceAreOfferedAgain) {
  Cut cut(40, bytes_of("ab"));
  cut.insert(cut.begin(), 20, bytes_of(""));
  std::span<std::span<const std::byte>> pieces(cut);
  std::string received;

  while (!pieces.empty()) {
    const IoResult result = stream->try_write_gathered(pieces);
    ASSERT_GT(result.bytes, 0);
    drop_front(pieces, result.bytes);
    received += next_message();
  }

  std::string all;
  for (int i = 0; i < 40; ++i)
    all += "ab";
  EXPECT_EQ(received, all);
}

TEST_F(StreamTest, AGatheredWriteFailsAsOneOfOnePiece) {
  const Cut pieces{bytes_of("a"), bytes_of("b")};
  EXPECT_FALSE(stream->try_write_gathered({}).error);

  peer.reset();
  EXPECT_EQ(stream->try_write_gathered(pieces).error, std::errc::broken_pipe);
  stream->close();
  EXPECT_EQ(stream->try_write_gathered(pieces).error, std::errc::connection_aborted);
  EXPECT_EQ(stream->try_write_gathered({}).error, std::errc::connection_aborted);
}

TEST_F(StreamTest, AFullSocketMakesAGatheredWriteWait) {
  const std::string much(60'000, 'x');
  const Cut pieces{bytes_of(much), bytes_of(much)};
  IoResult result;
  for (int i = 0; i < 100 && !result.error; ++i)
    result = stream->try_write_gathered(pieces);

  EXPECT_EQ(result.error, std::errc::operation_would_block);
}

TEST(DropFront, TakesWholePiecesAndAPartOfTheNext) {
  Cut cut{bytes_of("abc"), bytes_of(""), bytes_of("def")};
  std::span<std::span<const std::byte>> pieces(cut);

  drop_front(pieces, 0);
  EXPECT_EQ(pieces.size(), 3);
  drop_front(pieces, 2);
  EXPECT_EQ(pieces.front().size(), 1);
  drop_front(pieces, 2);
  EXPECT_EQ(pieces.size(), 1);
  EXPECT_EQ(pieces.front().size(), 2);
  drop_front(pieces, 2);
  EXPECT_TRUE(pieces.empty());
}

TEST_F(StreamTest, RestsUndisturbedUntilSomethingComes) {
  EXPECT_TRUE(stream->undisturbed());
  peer_sends("answer");
  std::array<std::byte, 100> buffer;
  EXPECT_EQ(stream->try_read(buffer).bytes, 6);
  EXPECT_TRUE(stream->undisturbed());

  peer_sends("what nobody asked for");

  EXPECT_FALSE(stream->undisturbed());
}

TEST_F(StreamTest, AReadThatFilledItsBufferDoesNotDisturb) {
  peer_sends("answer");
  std::array<std::byte, 6> buffer;
  EXPECT_EQ(stream->try_read(buffer).bytes, 6);

  EXPECT_TRUE(stream->undisturbed());
}

TEST_F(StreamTest, ThePeersEndDisturbs) {
  ASSERT_EQ(::shutdown(peer.get(), SHUT_WR), 0);
  poller.wait(0);

  EXPECT_FALSE(stream->undisturbed());
}

TEST_F(StreamTest, AResetDisturbs) {
  stream->try_write(bytes_of("unread"));
  peer.reset();
  poller.wait(0);

  EXPECT_FALSE(stream->undisturbed());
}

// What follows the last byte that the turn's budget let through is unknown until the next turn.
TEST_F(StreamTest, DoubtAfterABusyTurnDisturbs) {
  const std::string piece(64 * 1024, 'x');
  std::vector<std::byte> buffer(piece.size());
  poller.wait(0);
  for (std::size_t moved = 0; moved < SocketStream::bytes_per_turn; moved += piece.size()) {
    ASSERT_EQ(::send(peer.get(), piece.data(), piece.size(), 0), std::ssize(piece));
    if (moved == 0) poller.wait(0);
    ASSERT_EQ(stream->try_read(buffer).bytes, piece.size());
  }
  ASSERT_EQ(::send(peer.get(), "x", 1, 0), 1);

  EXPECT_FALSE(stream->undisturbed());
}

}  // namespace
}  // namespace sinew::async
