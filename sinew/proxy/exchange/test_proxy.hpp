#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/proxy/server/engine.hpp"

// For tests: the whole engine in a simulated world, between a client and back ends that are spoken
// to, and speak, in raw bytes.
namespace sinew::proxy::test {

using async::sim::Node;
using async::sim::World;

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What comes until the stream ends or fails.
inline Task<std::string> read_to_end(async::Stream& stream) {
  std::string text;
  std::array<std::byte, 997> buffer;
  for (;;) {
    const async::IoResult read = stream.try_read(buffer);
    text += text_of(std::span(buffer).first(read.bytes));
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return text;
    if (co_await stream.readable()) co_return text;
  }
}

// What comes up to and with `mark`, or until the stream ends.
inline Task<std::string> read_until(async::Stream& stream, std::string mark) {
  std::string text;
  std::array<std::byte, 1> buffer;
  while (!text.ends_with(mark)) {
    const async::IoResult read = stream.try_read(buffer);
    text += text_of(std::span(buffer).first(read.bytes));
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return text;
    if (co_await stream.readable()) co_return text;
  }
  co_return text;
}

inline Task<void> write(async::Stream& stream, std::string text) {
  co_await async::write_all(stream, std::as_bytes(std::span(text)));
}

// What an observer was told, as far as tests ask.
struct Told {
  int status = 0;
  int upstream_status = 0;
  std::string flags;
  std::string reason;
  std::string path;
  std::string client;
  int attempts = 0;
  bool reused = false;
  bool upgraded = false;
  std::uint64_t request_body = 0;
  std::uint64_t answer_body = 0;
};

class RecordingObserver final : public ExchangeObserver {
 public:
  void ended(const ExchangeRecord& record) noexcept override {
    std::array<char, 64> codes;
    told.push_back({.status = record.status,
                    .upstream_status = record.upstream_status,
                    .flags = std::string(write_codes(record.flags, codes)),
                    .reason = std::string(record.reason),
                    .path = std::string(record.path),
                    .client = std::string(record.client),
                    .attempts = record.attempts,
                    .reused = record.reused_connection,
                    .upgraded = record.upgraded,
                    .request_body = record.request_body_bytes,
                    .answer_body = record.answer_body_bytes});
  }
  std::vector<Told> told;
};

// Takes connections and hands each to a script, with its number from 0.
class BackEnd {
 public:
  using Script = std::function<Task<void>(async::Stream&, int)>;

  BackEnd(Node& node, std::uint16_t port, Script script)
      : script_(std::move(script)), scope_(node, "back end") {
    listener_ = node.listen({.address = "127.0.0.1", .port = port});
    scope_.spawn(accept());
  }
  int connections() const noexcept { return connections_; }
  void stop() { listener_->close(); }

 private:
  Task<void> accept() {
    for (;;) {
      std::unique_ptr<async::Stream> stream;
      try {
        stream = co_await listener_->accept();
      } catch (const Error&) {
        co_return;
      }
      scope_.spawn(serve(std::move(stream), connections_++));
    }
  }
  Task<void> serve(std::unique_ptr<async::Stream> stream, int number) {
    co_await script_(*stream, number);
  }

  Script script_;
  std::unique_ptr<async::Listener> listener_;
  int connections_ = 0;
  async::Scope scope_;
};

class ProxyWorld {
 public:
  static constexpr std::uint16_t port = 8'000;

  explicit ProxyWorld(std::uint64_t seed = 1, const async::sim::Options& options = {})
      : world(seed, options),
        node(world.add_node("proxy")),
        client(world.add_node("client")),
        back(world.add_node("back end")) {
    route.name = "orders";
    listener.address = {.address = "127.0.0.1", .port = port};
    settings.name = "orders";
    settings.targets = {{.host = "127.0.0.1", .port = 9'000}};
  }
  ~ProxyWorld() {
    scope.reset();
    engine.reset();
  }

  // A back end of the cluster, on its first target's port.
  void serve(BackEnd::Script script, std::uint16_t at = 9'000) {
    back_ends.push_back(std::make_unique<BackEnd>(back, at, std::move(script)));
  }
  // One that answers every request without a body in the same way.
  void serve_always(const std::string& answer) {
    serve([this, answer](async::Stream& stream, int) -> Task<void> {
      for (;;) {
        const std::string request = co_await read_until(stream, "\r\n\r\n");
        if (!request.ends_with("\r\n\r\n")) co_return;
        seen.push_back(request);
        co_await write(stream, answer);
      }
    });
  }

  void start() {
    EndpointRegistry registry(settings.hash_slots);
    cluster = std::make_shared<Cluster>(settings, registry.configure(settings.targets).set);
    engine =
        std::make_unique<Engine>(EngineOptions{}, snapshot(1),
                                 [this](std::size_t) -> ExchangeObserver& { return observer; });
    scope.emplace(node, "proxy");
    scope->spawn(engine->work(node, 0));
  }
  SnapshotPtr snapshot(std::uint64_t version) {
    auto made = std::make_shared<Snapshot>();
    made->version = version;
    made->table = RouteTable(rules);
    made->routes = {route};
    made->clusters = {cluster};
    made->listeners = {listener};
    return made;
  }

  template <class T>
  T run(Task<T> task) {
    return client.run(std::move(task));
  }
  Task<std::unique_ptr<async::Stream>> connect() {
    co_return co_await client.connect({.address = "127.0.0.1", .port = port});
  }
  // Sends `request` on a connection of its own and gives what comes until it is closed.
  std::string talk(std::string request) { return run(talk_to_end(std::move(request))); }
  // Time passes.
  void pass(Duration duration) {
    run([](Duration time) -> Task<void> { co_await async::sleep_for(time); }(duration));
  }

  World world;
  Node& node;
  Node& client;
  Node& back;
  Route route;
  ListenerSettings listener;
  ClusterSettings settings;
  std::vector<RouteRule> rules = {RouteRule{.paths = {"/"}}};
  RecordingObserver observer;
  ClusterPtr cluster;
  std::vector<std::unique_ptr<BackEnd>> back_ends;
  std::vector<std::string> seen;  // by serve_always()
  std::unique_ptr<Engine> engine;
  std::optional<async::Scope> scope;

 private:
  Task<std::string> talk_to_end(std::string request) {
    auto stream = co_await connect();
    co_await write(*stream, std::move(request));
    co_return co_await read_to_end(*stream);
  }
};

// The body of the first answer in `text`, which has a Content-Length.
inline std::string body_of(const std::string& text) {
  const auto end = text.find("\r\n\r\n");
  return end == std::string::npos ? "" : text.substr(end + 4);
}
inline std::string field_of(const std::string& text, const std::string& name) {
  const auto at = text.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto begin = at + name.size() + 4;
  return text.substr(begin, text.find("\r\n", begin) - begin);
}

}  // namespace sinew::proxy::test
