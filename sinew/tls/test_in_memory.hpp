#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <vector>

#include "sinew/async/test_runtime.hpp"
#include "sinew/tls/test_connection.hpp"
#include "sinew/tls/test_pipe.hpp"

namespace sinew::tls::test {

// A connection in memory, established, with what its server sends after the handshake read.
struct InMemory {
  InMemory(const std::shared_ptr<const ServerContext>& served,
           const std::shared_ptr<const ClientContext>& called) {
    auto near = std::make_unique<Pipe>();
    auto far = std::make_unique<Pipe>();
    client_pipe = near.get();
    server_pipe = far.get();
    Pipe::connect(*near, *far);
    client = TlsStream::client(std::move(near), called, {"orders.test"});
    server = TlsStream::server(std::move(far), served);
    async::TestRuntime runtime;
    async::Scope scope(runtime);
    scope.spawn(shake(*client, error));
    scope.spawn(shake(*server, error));
    runtime.settle();
    EXPECT_TRUE(server->established()) << server->failure();
    EXPECT_TRUE(client->try_read(buffer).error);
  }

  // The server sees `size` bytes and answers with as many.
  bool exchange(std::size_t size) {
    const std::span<std::byte> text = std::span(buffer).first(size);
    return client->try_write(text).bytes == size && server->try_read(buffer).bytes == size &&
           server->try_write(text).bytes == size && client->try_read(buffer).bytes == size;
  }

  std::vector<std::byte> buffer{32 * 1024};
  std::error_code error;
  Pipe* client_pipe = nullptr;  // owned by the streams
  Pipe* server_pipe = nullptr;
  std::unique_ptr<TlsStream> client;
  std::unique_ptr<TlsStream> server;
};

}  // namespace sinew::tls::test
