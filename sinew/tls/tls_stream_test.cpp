#include "sinew/tls/tls_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/tls/test_connection.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::tls {
namespace {

using namespace std::chrono_literals;
using namespace test;
using async::Scope;
using async::sim::Options;
using sinew::tests::for_seeds;
using testing::HasSubstr;

TEST(TlsStream, AgreesOnTls13AndNamesWhatWasAgreed) {
  Connection connection;
  connection.begin(serve(), call());

  connection.shake_hands();

  EXPECT_FALSE(connection.client_error) << connection.client->failure();
  EXPECT_FALSE(connection.server_error) << connection.server->failure();
  EXPECT_TRUE(connection.client->established());
  EXPECT_EQ(connection.server->version(), "TLSv1.3");
  EXPECT_THAT(std::string(connection.server->cipher()), HasSubstr("TLS_"));
  EXPECT_EQ(connection.server->server_name(), "orders.test");
  EXPECT_EQ(connection.client->peer_certificate()->subject, "CN=server");
  EXPECT_EQ(connection.server->peer_certificate(), std::nullopt);
  EXPECT_EQ(connection.client->failure(), "");
  EXPECT_FALSE(connection.exchange());
}

// Latency, pieces and short writes are drawn: records arrive split anywhere.
TEST(TlsStream, CarriesEveryByteBothWaysThroughNarrowStreams) {
  for_seeds(60, [](std::uint64_t seed) {
    Options options;
    options.network.buffer_bytes = 1 + seed * 37 % 3000;
    Connection connection(seed, options);
    connection.begin(serve(), call());
    connection.shake_hands();
    ASSERT_FALSE(connection.client_error) << connection.client->failure();
    const std::string there = pattern(40'000);
    const std::string back = pattern(25'000);
    Received at_server;
    Received at_client;
    std::error_code written[2];
    Scope client(connection.client_node);
    Scope server(connection.server_node);

    client.spawn(write_and_finish(*connection.client, there, written[0]));
    client.spawn(read_into(*connection.client, 1 + seed * 101 % 20'000, at_client));
    server.spawn(write_and_finish(*connection.server, back, written[1]));
    server.spawn(read_into(*connection.server, 1 + seed * 211 % 20'000, at_server));
    connection.world.run_until_idle();

    EXPECT_TRUE(at_server.bytes == there);
    EXPECT_TRUE(at_client.bytes == back);
    for (const std::error_code& error : {written[0], written[1], at_server.error, at_client.error})
      EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(client.size() + server.size(), 0);
  });
}

TEST(TlsStream, WriterWaitsUntilThePeerReads) {
  Options options;
  options.network.buffer_bytes = 5000;
  Connection connection(1, options);
  connection.begin(serve(), call());
  connection.shake_hands();
  const std::string text = pattern(100'000);
  std::error_code written = std::make_error_code(std::errc::interrupted);
  Scope scope(connection.client_node);

  scope.spawn(write_and_finish(*connection.client, text, written));
  connection.world.run_until_idle();

  EXPECT_EQ(written, std::errc::interrupted);  // it waits
  EXPECT_TRUE(connection.server_node.run(read_all(*connection.server)).bytes == text);
  connection.world.run_until_idle();
  EXPECT_FALSE(written);
}

TEST(TlsStream, AWriteThatWaitedIsNotRepeatedWithLess) {
  Options options;
  options.network.buffer_bytes = 1000;
  Connection connection(1, options);
  connection.begin(serve(), call());
  connection.shake_hands();
  const std::string text = pattern(9000);

  EXPECT_EQ(connection.client->try_write(bytes_of(text)).error, std::errc::operation_would_block);
  EXPECT_EQ(connection.client->try_write(bytes_of("less")).error, Fault::shorter_retry);

  std::error_code written;
  Scope scope(connection.client_node);
  scope.spawn(write_and_finish(*connection.client, text + "more", written));
  EXPECT_TRUE(connection.server_node.run(read_all(*connection.server)).bytes == text + "more");
}

TEST(TlsStream, CloseNotifyThatFoundNoRoomIsSentByAndBy) {
  Connection connection;
  connection.begin(serve(), call());
  connection.shake_hands();
  connection.world.network().options().buffer_bytes = 10;

  connection.client->shutdown_write();  // of 24 bytes

  const Received received = connection.server_node.run(read_all(*connection.server));
  EXPECT_FALSE(received.error) << received.error.message();
  EXPECT_EQ(connection.client->try_write(bytes_of("late")).error, std::errc::broken_pipe);
}

TEST(TlsStream, ReadingGoesOnAfterTheOwnEnd) {
  Connection connection;
  connection.begin(serve(), call());
  connection.shake_hands();
  connection.client->shutdown_write();
  EXPECT_FALSE(connection.server_node.run(read_all(*connection.server)).error);

  std::error_code written;
  Scope scope(connection.server_node);
  scope.spawn(write_and_finish(*connection.server, "answer", written));

  EXPECT_EQ(connection.client_node.run(read_all(*connection.client)).bytes, "answer");
}

TEST(TlsStream, AnEndWithoutCloseNotifyIsTruncation) {
  Connection connection;
  connection.begin(serve(), call());
  connection.shake_hands();
  connection.client_node.run(write_all(*connection.client, bytes_of("the first half")));

  const auto below = connection.client->release();
  below->shutdown_write();

  const Received received = connection.server_node.run(read_all(*connection.server));
  EXPECT_EQ(received.bytes, "the first half");
  EXPECT_EQ(received.error, Fault::truncated);
  EXPECT_EQ(connection.server->try_read({}).error, Fault::truncated);
}

TEST(TlsStream, AnUnfinishedWriteEndsAsTruncation) {
  Options options;
  options.network.buffer_bytes = 1000;
  Connection connection(1, options);
  connection.begin(serve(), call());
  connection.shake_hands();
  EXPECT_TRUE(connection.client->try_write(bytes_of(pattern(9000))).error);

  connection.client->shutdown_write();

  const Received received = connection.server_node.run(read_all(*connection.server));
  EXPECT_EQ(received.bytes, "");
  EXPECT_EQ(received.error, Fault::truncated);
}

TEST(TlsStream, AChangedRecordIsRefused) {
  Connection connection;
  connection.begin(serve(), call());
  connection.shake_hands();
  const auto below = connection.server->release();
  const std::string record = std::string("\x17\x03\x03\x00\x28", 5) + pattern(40);
  connection.server_node.run(write_all(*below, bytes_of(record)));

  const Received received = connection.client_node.run(read_all(*connection.client));

  EXPECT_EQ(received.error, Fault::broken);
  EXPECT_THAT(connection.client->failure(), HasSubstr("bad record mac"));
  EXPECT_EQ(connection.client->try_write(bytes_of("more")).error, Fault::broken);
}

TEST(TlsStream, CloseEndsWhatWaits) {
  Connection connection;
  connection.begin(serve(), call());
  connection.shake_hands();
  Received received;
  Scope scope(connection.client_node);
  scope.spawn(read_into(*connection.client, 100, received));
  connection.world.run_until_idle();

  connection.client->close();
  connection.world.run_until_idle();

  EXPECT_EQ(received.error, std::errc::connection_aborted);
  EXPECT_FALSE(connection.server_node.run(read_all(*connection.server)).error);  // close_notify
}

TEST(TlsStream, NothingIsMovedBeforeTheHandshake) {
  Connection connection;
  connection.begin(serve(), call());
  std::byte buffer[10];

  EXPECT_EQ(connection.client->try_read(buffer).error, Fault::not_established);
  EXPECT_EQ(connection.client->try_write(buffer).error, Fault::not_established);
}

// Wherever the connection is cut, both sides end, with an error unless they were done.
TEST(TlsHandshake, EndsWhereverTheConnectionIsCut) {
  for (int steps = 0; steps < 60; ++steps) {
    SCOPED_TRACE(steps);
    Connection connection(static_cast<std::uint64_t>(steps) + 1);
    connection.begin(serve(), call());
    Scope client(connection.client_node);
    Scope server(connection.server_node);
    client.spawn(shake(*connection.client, connection.client_error));
    server.spawn(shake(*connection.server, connection.server_error));
    for (int i = 0; i < steps; ++i)
      connection.world.step();

    connection.world.network().cut(connection.client_node, connection.server_node);
    connection.world.run_until_idle();

    EXPECT_EQ(client.size() + server.size(), 0);
    EXPECT_NE(connection.client->established(), static_cast<bool>(connection.client_error));
    EXPECT_NE(connection.server->established(), static_cast<bool>(connection.server_error));
  }
}

TEST(TlsHandshake, APeerThatSaysNothingMeetsTheDeadline) {
  Connection connection;
  connection.begin(serve(), call());

  const auto error = connection.server_node.run(
      async::with_deadline(connection.world.now() + 5s, connection.server->handshake()));

  EXPECT_EQ(error, std::errc::timed_out);
  EXPECT_EQ(connection.server->try_read({}).error, std::errc::timed_out);
}

TEST(TlsHandshake, APeerThatLeavesIsNamed) {
  Connection connection;
  connection.begin(serve(), call());
  connection.client->release()->shutdown_write();

  EXPECT_EQ(connection.server_node.run(connection.server->handshake()), Fault::closed);
}

struct FirstBytes {
  const char* name;
  std::string bytes;
  std::error_code error;
};

class TlsFirstBytes : public testing::TestWithParam<FirstBytes> {};

TEST_P(TlsFirstBytes, AreRefused) {
  Connection connection;
  connection.server = TlsStream::server(std::move(connection.far), serve());
  connection.client_node.run(write_all(*connection.near, bytes_of(GetParam().bytes)));
  connection.near->shutdown_write();

  const auto error = connection.server_node.run(connection.server->handshake());

  EXPECT_EQ(error, GetParam().error) << connection.server->failure();
  EXPECT_FALSE(connection.server->established());
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsFirstBytes,
    testing::Values(
        FirstBytes{"get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::plain_http},
        FirstBytes{"post", "POST /orders HTTP/1.1\r\nHost: a\r\n\r\n", Fault::plain_http},
        FirstBytes{"connect", "CONNECT a:443 HTTP/1.1\r\n\r\n", Fault::plain_http},
        FirstBytes{"ssh", "SSH-2.0-OpenSSH_9.2\r\n", Fault::not_tls},
        FirstBytes{"zeros", std::string(200, '\0'), Fault::not_tls},
        FirstBytes{"nothing", "", Fault::closed},
        FirstBytes{"half_a_record", std::string("\x16\x03\x01\x02\x00\x01", 6), Fault::closed},
        FirstBytes{"alert", std::string("\x15\x03\x01\x00\x02\x02\x28", 7), Fault::broken},
        FirstBytes{"data_first", std::string("\x17\x03\x03\x00\x05hello", 10), Fault::broken},
        FirstBytes{"no_hello", std::string("\x16\x03\x01\x00\x04\x0b\x00\x00\x00", 9),
                   Fault::broken}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TlsHandshake, WhoSpeaksHttpCanBeAnsweredInClearText) {
  Connection connection;
  connection.server = TlsStream::server(std::move(connection.far), serve());
  connection.client_node.run(write_all(*connection.near, bytes_of("GET / HTTP/1.1\r\n\r\n")));
  ASSERT_EQ(connection.server_node.run(connection.server->handshake()), Fault::plain_http);

  const auto below = connection.server->release();
  connection.server_node.run(write_all(*below, bytes_of("HTTP/1.1 400 Bad Request\r\n\r\n")));
  below->shutdown_write();

  EXPECT_EQ(connection.client_node.run(read_all(*connection.near)).bytes,
            "HTTP/1.1 400 Bad Request\r\n\r\n");
}

TEST(TlsHandshake, AClientOfAServerInClearTextIsTold) {
  Connection connection;
  connection.client = TlsStream::client(std::move(connection.near), call(), {"orders.test"});
  connection.server_node.run(
      write_all(*connection.far, bytes_of("HTTP/1.1 400 Bad Request\r\n\r\n")));

  EXPECT_EQ(connection.client_node.run(connection.client->handshake()), Fault::not_tls);
}

TEST(TlsHandshake, NoSharedCipherIsToldToBothSidesHoweverSlowly) {
  Options options;
  options.network.buffer_bytes = 1;  // the alert finds no room at first
  Connection connection(1, options);
  ClientOptions old;
  old.settings.minimum = Version::tls_1_2;
  ServerOptions modern;
  modern.settings.minimum = Version::tls_1_3;
  modern.settings.suites = "TLS_AES_128_GCM_SHA256";
  old.settings.suites = "TLS_CHACHA20_POLY1305_SHA256";
  connection.begin(serve(modern), call(old));

  connection.shake_hands();

  EXPECT_EQ(connection.server_error, Fault::no_shared_cipher) << connection.server->failure();
  EXPECT_EQ(connection.client_error, alert_code(40)) << connection.client->failure();
  EXPECT_THAT(connection.server->failure(), HasSubstr("was sent the alert `handshake failure`"));
  EXPECT_THAT(connection.client_error.message(), HasSubstr("handshake failure"));
}

}  // namespace
}  // namespace sinew::tls
