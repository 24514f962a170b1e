#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/tls/test_certificates.hpp"
#include "sinew/tls/tls_stream.hpp"

// Two simulated nodes, a connection between them, and TLS on it.
namespace sinew::tls::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>('a' + (i * 7 + i / 26) % 26);
  return text;
}

inline const Authority& authority() {
  static const Authority authority;
  return authority;
}

template <class T>
T value_of(std::expected<T, std::vector<std::string>> made) {
  if (!made) throw std::runtime_error(made.error().front());
  return *std::move(made);
}

inline std::shared_ptr<const ServerContext> serve(ServerOptions options = {}) {
  if (options.identities.empty()) {
    static const Certificate certificate =
        authority().certificate({.common_name = "server", .names = "DNS:orders.test"});
    options.identities.push_back({certificate});
  }
  return value_of(ServerContext::make(std::move(options)));
}

inline std::shared_ptr<const ClientContext> call(ClientOptions options = {}) {
  if (options.authorities.empty()) options.authorities = authority().pem();
  return value_of(ClientContext::make(std::move(options)));
}

struct Received {
  std::string bytes;
  std::error_code error;  // none at the end of the stream
};

inline Task<Received> read_all(async::Stream& stream, std::size_t chunk = 1000) {
  Received received;
  std::vector<std::byte> buffer(chunk);
  while (true) {
    const async::IoResult result = stream.try_read(buffer);
    received.bytes.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
    if (result.end_of_stream) co_return received;
    received.error = result.error;
    if (result.error == std::errc::operation_would_block) {
      received.error = co_await stream.readable();
    }
    if (received.error) co_return received;
  }
}

inline Task<void> read_into(async::Stream& stream, std::size_t chunk, Received& received) {
  received = co_await read_all(stream, chunk);
}

inline Task<void> write_and_finish(async::Stream& stream, std::string text,
                                   std::error_code& error) {
  error = co_await write_all(stream, bytes_of(text));
  stream.shutdown_write();
}

inline Task<void> shake(TlsStream& stream, std::error_code& error) {
  error = co_await stream.handshake();
}

class Connection {
 public:
  explicit Connection(std::uint64_t seed = 1, const async::sim::Options& options = {})
      : world(seed, options),
        client_node(world.add_node("client")),
        server_node(world.add_node("server")) {
    listener = server_node.listen({"127.0.0.1", 0});
    connect();
  }

  // A new connection between the same nodes; the one before is closed.
  void connect() {
    client.reset();
    server.reset();
    async::Scope scope(server_node);
    scope.spawn(accept());
    near = client_node.run(dial());
    world.run_until([&] { return far != nullptr; });
  }

  void begin(std::shared_ptr<const ServerContext> served,
             const std::shared_ptr<const ClientContext>& called,
             const Target& target = {"orders.test"}, ClientSessions* sessions = nullptr) {
    server = TlsStream::server(std::move(far), std::move(served));
    client = TlsStream::client(std::move(near), called, target, sessions);
  }

  // Both handshakes, until nothing happens any more.
  void shake_hands() {
    async::Scope at_client(client_node);
    async::Scope at_server(server_node);
    at_client.spawn(shake(*client, client_error));
    at_server.spawn(shake(*server, server_error));
    world.run_until_idle();
  }

  // What the client says arrives, and the answer comes back: tickets and late alerts have passed.
  std::error_code exchange() {
    Received at_server, at_client;
    std::error_code written[2];
    async::Scope at_server_node(server_node);
    async::Scope at_client_node(client_node);
    at_client_node.spawn(write_and_finish(*client, "question", written[0]));
    at_client_node.spawn(read_into(*client, 100, at_client));
    at_server_node.spawn(write_and_finish(*server, "answer", written[1]));
    at_server_node.spawn(read_into(*server, 100, at_server));
    world.run_until_idle();
    if (!at_client.error) {
      EXPECT_EQ(at_client.bytes, "answer");
      EXPECT_EQ(at_server.bytes, "question");
    }
    return at_client.error;
  }

  Task<void> accept() { far = co_await listener->accept(); }
  Task<std::unique_ptr<async::Stream>> dial() {
    co_return co_await client_node.connect(listener->local());
  }

  async::sim::World world;
  async::sim::Node& client_node;
  async::sim::Node& server_node;
  std::unique_ptr<async::Listener> listener;
  std::unique_ptr<async::Stream> near;
  std::unique_ptr<async::Stream> far;
  std::unique_ptr<TlsStream> client;
  std::unique_ptr<TlsStream> server;
  std::error_code client_error;
  std::error_code server_error;
};

}  // namespace sinew::tls::test
