#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/http/server.hpp"
#include "sinew/net/resolver.hpp"

// For tests: a server in a simulated world, spoken to in raw bytes.
namespace sinew::http::test {

using async::sim::Node;
using async::sim::World;

inline std::string bytes_as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Everything up to the end of the stream, or its failure.
inline Task<std::string> read_to_end(async::Stream& stream) {
  std::string text;
  std::array<std::byte, 997> buffer;
  for (;;) {
    const async::IoResult read = stream.try_read(buffer);
    text += bytes_as_text(std::span(buffer).first(read.bytes));
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return text;
    if (co_await stream.readable()) co_return text;
  }
}

// Reads until `mark` has come, or the stream ended.
inline Task<std::string> read_until(async::Stream& stream, std::string mark) {
  std::string text;
  std::array<std::byte, 1> buffer;
  while (text.find(mark) == std::string::npos) {
    const async::IoResult read = stream.try_read(buffer);
    text += bytes_as_text(std::span(buffer).first(read.bytes));
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return text;
    if (co_await stream.readable()) co_return text;
  }
  co_return text;
}

// The moment of an answer is nothing that a script can state.
inline std::string without_dates(std::string text) {
  for (std::size_t at = 0; (at = text.find("Date: ", at)) != std::string::npos;) {
    text.erase(at, text.find("\r\n", at) + 2 - at);
  }
  return text;
}

class ServerWorld {
 public:
  explicit ServerWorld(Router router, ServerOptions options = {}, std::uint64_t seed = 1)
      : world(seed),
        server_node(world.add_node("server")),
        client_node(world.add_node("client")),
        server(std::make_unique<Server>(server_node, std::move(router), options)) {
    server->start();
  }

  // Sends `bytes` on a connection of its own, and the end of the stream behind them; gives what
  // comes back, without the Date fields.
  std::string talk(std::string bytes) { return run(talk_to_end(std::move(bytes), true)); }
  // The same without the end of the stream: until the server closes.
  std::string talk_openly(std::string bytes) { return run(talk_to_end(std::move(bytes), false)); }

  template <class T>
  T run(Task<T> task) {
    return client_node.run(std::move(task));
  }

  Task<std::unique_ptr<async::Stream>> connect() {
    co_return co_await client_node.connect(server->local());
  }

  std::string url(std::string_view path) const {
    return "http://" + async::to_string(server->local()) + std::string(path);
  }

  World world;
  Node& server_node;
  Node& client_node;
  net::FixedResolver resolver;
  std::unique_ptr<Server> server;

 private:
  Task<std::string> talk_to_end(std::string bytes, bool end) {
    auto stream = co_await connect();
    co_await async::write_all(*stream, std::as_bytes(std::span(bytes)));
    if (end) stream->shutdown_write();
    co_return without_dates(co_await read_to_end(*stream));
  }
};

}  // namespace sinew::http::test
