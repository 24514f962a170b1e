#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/socket_stream.hpp"

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Everything up to the end of stream, or the error as text.
Task<std::string> read_to_end(Stream& stream) {
  std::string all;
  std::vector<char> buffer(64 * 1024);
  while (true) {
    if (const auto error = co_await stream.readable()) co_return error.message();
    const IoResult result = stream.try_read(std::as_writable_bytes(std::span(buffer)));
    all.append(buffer.data(), result.bytes);
    if (result.end_of_stream) co_return all;
    if (result.error && result.error != std::errc::operation_would_block) {
      co_return result.error.message();
    }
  }
}

class SocketTest : public testing::Test {
 protected:
  // Runs both ends of one connection.
  using End = std::function<Task<>(Stream&)>;
  void run(End client, End server) {
    reactor.run(both([&](std::unique_ptr<Stream> stream) -> Task<> { co_await client(*stream); },
                     [&](std::unique_ptr<Stream> stream) -> Task<> { co_await server(*stream); }));
  }
  using OwningEnd = std::function<Task<>(std::unique_ptr<Stream>)>;
  Task<> both(OwningEnd client, OwningEnd server) {
    auto listener = reactor.listen({});
    Scope scope(co_await this_context());
    auto near = co_await reactor.connect(listener->local());
    EXPECT_EQ(near->peer(), listener->local());
    auto far = co_await listener->accept();
    scope.spawn(client(std::move(near)));
    scope.spawn(server(std::move(far)));
    co_await scope.join();
  }

  template <class F>
  Condition condition_of(F task, std::string* detail = nullptr) {
    try {
      reactor.run(task());
    } catch (const Error& error) {
      if (detail != nullptr) *detail = error.detail();
      return error.condition();
    }
    ADD_FAILURE() << "nothing was thrown";
    return Condition{};
  }

  OffloadPools pools;
  Reactor reactor{pools};
};

TEST_F(SocketTest, EchoesAndSeesTheHalfClose) {
  std::string answer;
  auto client = [&](Stream& stream) -> Task<> {
    EXPECT_FALSE(co_await write_all(stream, bytes_of("hello, ")));
    EXPECT_FALSE(co_await write_all(stream, bytes_of("world")));
    stream.shutdown_write();
    answer = co_await read_to_end(stream);
  };
  auto server = [&](Stream& stream) -> Task<> {
    const std::string request = co_await read_to_end(stream);
    EXPECT_FALSE(co_await write_all(stream, bytes_of("you said: " + request)));
    stream.shutdown_write();
  };

  run(client, server);

  EXPECT_EQ(answer, "you said: hello, world");
}

TEST_F(SocketTest, TheSlowReaderSetsThePace) {
  constexpr std::size_t total = 32 * 1024 * 1024;
  bool written = false;
  std::size_t received = 0;
  bool intact = true;
  auto client = [&](Stream& stream) -> Task<> {
    std::vector<std::byte> data(total);
    for (std::size_t i = 0; i < total; ++i)
      data[i] = static_cast<std::byte>(i % 251);
    EXPECT_FALSE(co_await write_all(stream, data));
    written = true;
    stream.shutdown_write();
  };
  auto server = [&](Stream& stream) -> Task<> {
    co_await sleep_for(5ms);
    EXPECT_FALSE(written);  // no buffer in between holds 32 MiB
    std::vector<std::byte> buffer(100'000);
    for (bool end = false; !end;) {
      EXPECT_FALSE(co_await stream.readable());
      const IoResult result = stream.try_read(buffer);
      for (std::size_t i = 0; i < result.bytes; ++i) {
        intact &= buffer[i] == static_cast<std::byte>((received + i) % 251);
      }
      received += result.bytes;
      end = result.end_of_stream;
    }
  };

  run(client, server);

  EXPECT_EQ(received, total);
  EXPECT_TRUE(intact);
}

TEST_F(SocketTest, AFastPeerDoesNotHoldTheWorker) {
  bool over = false;
  std::uint64_t turns_of_others = 0;
  auto client = [&](Stream& stream) -> Task<> {
    const std::vector<std::byte> data(8 * 1024 * 1024);
    EXPECT_FALSE(co_await write_all(stream, data));
    over = true;
  };
  auto server = [&](Stream& stream) -> Task<> {
    std::vector<std::byte> buffer(16 * 1024);
    for (IoResult result; !result.end_of_stream && !result.error;) {
      EXPECT_FALSE(co_await stream.readable());
      result = stream.try_read(buffer);
      if (result.error == std::errc::operation_would_block) result.error = {};
    }
  };
  auto other = [&]() -> Task<> {
    while (!over) {
      co_await sleep_for(1ns);
      ++turns_of_others;
    }
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(other());
    scope.spawn(both([&](std::unique_ptr<Stream> s) -> Task<> { co_await client(*s); },
                     [&](std::unique_ptr<Stream> s) -> Task<> { co_await server(*s); }));
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_GE(turns_of_others, 8u * 1024 * 1024 / SocketStream::bytes_per_turn / 4);
}

TEST_F(SocketTest, TriesNoReadBeforeAnEdgeAndNoneAfterTheEnd) {
  auto client = [](Stream& stream) -> Task<> {
    EXPECT_FALSE(co_await write_all(stream, bytes_of("x")));
    stream.shutdown_write();
    EXPECT_EQ(co_await read_to_end(stream), "");
  };
  auto server = [](Stream& stream) -> Task<> {
    std::array<std::byte, 8> buffer;
    EXPECT_EQ(stream.try_read({}).bytes, 0u);
    EXPECT_EQ(co_await read_to_end(stream), "x");
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(co_await stream.readable());
      EXPECT_TRUE(stream.try_read(buffer).end_of_stream);
    }
  };

  run(client, server);
}

TEST_F(SocketTest, APeerThatResetsIsAnErrorAndStaysOne) {
  auto client = [](Stream& stream) -> Task<> {
    std::array<std::byte, 8> buffer;
    EXPECT_FALSE(co_await write_all(stream, bytes_of("unread data turns the close into a reset")));
    while (!stream.try_read(buffer).error ||
           stream.try_read(buffer).error == std::errc::operation_would_block) {
      EXPECT_FALSE(co_await stream.readable());
    }
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(stream.try_read(buffer).error, std::errc::connection_reset);
      EXPECT_TRUE(stream.try_write(buffer).error);
    }
  };
  auto server = [](Stream& stream) -> Task<> {
    EXPECT_FALSE(co_await stream.readable());
    stream.close();
  };

  run(client, server);
}

TEST_F(SocketTest, WhatArrivedIsReadThoughAWriteFailed) {
  auto client = [](Stream& stream) -> Task<> {
    std::array<char, 64> buffer;
    const auto into = std::as_writable_bytes(std::span(buffer));
    EXPECT_FALSE(co_await write_all(stream, bytes_of("the first half of a large request")));
    EXPECT_FALSE(co_await stream.readable());
    EXPECT_TRUE(stream.try_write(bytes_of("the second half")).error);

    EXPECT_EQ(std::string(buffer.data(), stream.try_read(into).bytes), "refused");
    for (int i = 0; i < 2; ++i) {
      EXPECT_FALSE(co_await stream.readable());
      const IoResult behind = stream.try_read(into);
      EXPECT_FALSE(behind.end_of_stream) << "a reset is no end";
      EXPECT_TRUE(behind.error && behind.error != std::errc::operation_would_block);
    }
  };
  auto server = [](Stream& stream) -> Task<> {
    EXPECT_FALSE(co_await stream.readable());
    EXPECT_FALSE(co_await write_all(stream, bytes_of("refused")));
    stream.close();
  };

  run(client, server);
}

TEST_F(SocketTest, CloseEndsAPendingReadAndLaterOperations) {
  auto client = [&](Stream& stream) -> Task<> {
    Scope scope(co_await this_context());
    std::string seen;
    auto read = [&]() -> Task<> { seen = co_await read_to_end(stream); };
    scope.spawn(read());
    co_await yield();
    stream.close();
    co_await scope.join();
    EXPECT_EQ(seen, std::make_error_code(std::errc::connection_aborted).message());
    EXPECT_EQ(stream.try_write(bytes_of("x")).error, std::errc::connection_aborted);
    stream.close();
    stream.shutdown_write();
  };
  auto server = [](Stream& stream) -> Task<> { EXPECT_EQ(co_await read_to_end(stream), ""); };

  run(client, server);
}

TEST_F(SocketTest, AReadEndsByDeadlineOrCancellationAndTheStreamGoesOn) {
  auto client = [&](Stream& stream) -> Task<> {
    auto wait = [&](std::error_code& error) -> Task<> { error = co_await stream.readable(); };
    std::error_code late, cancelled;
    co_await with_deadline(reactor.now() + 1ms, wait(late));
    EXPECT_EQ(late, std::errc::timed_out);
    Scope scope(co_await this_context());
    scope.spawn(wait(cancelled));
    co_await yield();
    scope.cancel();
    co_await scope.join();
    EXPECT_EQ(cancelled, std::errc::operation_canceled);
    EXPECT_FALSE(co_await write_all(stream, bytes_of("go on")));
    EXPECT_EQ(co_await read_to_end(stream), "still here");
  };
  auto server = [](Stream& stream) -> Task<> {
    EXPECT_FALSE(co_await stream.readable());
    EXPECT_FALSE(co_await write_all(stream, bytes_of("still here")));
    stream.shutdown_write();
  };

  run(client, server);
}

TEST_F(SocketTest, ConnectingWhereNobodyListensIsUnavailable) {
  Endpoint nobody = reactor.listen({})->local();
  std::string detail;

  const Condition condition =
      condition_of([&]() -> Task<> { co_await reactor.connect(nobody); }, &detail);

  EXPECT_EQ(condition, Condition::unavailable);
  EXPECT_THAT(detail, HasSubstr("cannot connect to " + to_string(nobody)));
}

TEST_F(SocketTest, ConnectingToANameIsInvalid) {
  EXPECT_EQ(condition_of([&]() -> Task<> { co_await reactor.connect({"localhost", 80}); }),
            Condition::invalid_input);
}

TEST_F(SocketTest, ConnectingEndsByTheDeadline) {
  // A full backlog lets nobody in: the kernel drops what comes.
  Descriptor full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address(Endpoint{});
  ASSERT_EQ(::bind(full.get(), address.data(), address.size()), 0);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  socklen_t size = SocketAddress::capacity;
  ASSERT_EQ(::getsockname(full.get(), address.data(), &size), 0);
  auto fill = [&]() -> Task<> {
    std::vector<std::unique_ptr<Stream>> inside;
    while (true)
      inside.push_back(co_await reactor.connect(address.endpoint()));
  };

  EXPECT_EQ(condition_of([&] { return with_deadline(reactor.now() + 50ms, fill()); }),
            Condition::timeout);
}

TEST_F(SocketTest, ListeningOnATakenAddressIsAConflict) {
  auto first = reactor.listen({});
  try {
    reactor.listen(first->local());
    FAIL() << "two listeners";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::conflict);
    EXPECT_THAT(error.detail(), HasSubstr(to_string(first->local())));
  }
}

TEST_F(SocketTest, AnAddressCanBeListenedOnAgainAfterConnectionsWereServed) {
  Endpoint address;
  auto serve = [&]() -> Task<> {
    auto listener = reactor.listen({});
    address = listener->local();
    auto client = co_await reactor.connect(address);
    (co_await listener->accept())->close();  // this side keeps the TIME_WAIT
    EXPECT_EQ(co_await read_to_end(*client), "");
  };
  reactor.run(serve());

  EXPECT_EQ(reactor.listen(address)->local(), address);
}

TEST_F(SocketTest, ClosingTheListenerOrCancellingEndsAnAccept) {
  auto listener = reactor.listen({});
  std::vector<Condition> seen;
  auto accept = [&]() -> Task<> {
    try {
      co_await listener->accept();
    } catch (const Error& error) {
      seen.push_back(error.condition());
    }
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    co_await with_deadline(reactor.now() + 1ms, accept());
    scope.spawn(accept());
    co_await yield();
    listener->close();
    co_await scope.join();
    co_await accept();
  };

  reactor.run(body());

  EXPECT_THAT(seen,
              testing::ElementsAre(Condition::timeout, Condition::cancelled, Condition::cancelled));
}

TEST_F(SocketTest, AcceptsABurstInSeveralTurns) {
  constexpr int burst = 200;
  auto body = [&]() -> Task<> {
    auto listener = reactor.listen({});
    std::vector<std::unique_ptr<Stream>> near, far;
    for (int i = 0; i < burst; ++i)
      near.push_back(co_await reactor.connect(listener->local()));
    for (int i = 0; i < burst; ++i)
      far.push_back(co_await listener->accept());
    EXPECT_FALSE(co_await write_all(*near[burst - 1], bytes_of("x")));
    EXPECT_FALSE(co_await far[burst - 1]->readable());
  };

  reactor.run(body());
}

// Lowers the number of open files so that `left` more can be opened.
class FewDescriptors {
 public:
  explicit FewDescriptors(int left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const Descriptor lowest(::dup(0));
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(lowest.get() + left);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(SocketTest, OutOfDescriptorsRefusesConnectionsAndGoesOnAccepting) {
  auto listener = reactor.listen({});
  int accepted = 0;
  auto serve = [&]() -> Task<> {
    while (true) {
      auto stream = co_await listener->accept();
      ++accepted;
      EXPECT_FALSE(co_await write_all(*stream, bytes_of("welcome")));
    }
  };
  auto visit = [&]() -> Task<std::string> {
    auto stream = co_await reactor.connect(listener->local());
    co_return co_await read_to_end(*stream);
  };
  auto body = [&]() -> Task<> {
    Scope scope(co_await this_context());
    scope.spawn(serve());
    co_await yield();
    {
      FewDescriptors one_for_the_client(1);
      for (int i = 0; i < 3; ++i)
        EXPECT_EQ(co_await visit(), "");
      EXPECT_EQ(accepted, 0);
    }
    EXPECT_EQ(co_await visit(), "welcome");
    scope.cancel();
    co_await scope.join();
  };

  reactor.run(body());

  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace sinew::async
