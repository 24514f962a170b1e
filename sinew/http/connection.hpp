#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "sinew/async/channel.hpp"
#include "sinew/async/intrusive_list.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/http/request_reader.hpp"
#include "sinew/http/router.hpp"
#include "sinew/http/server.hpp"

namespace sinew::http {

struct ConnectionTag;
class Connection;

// Counts a server's answers by route. A path without a route is counted under "none", so that
// strangers cannot make labels.
class ServerMetrics {
 public:
  explicit ServerMetrics(metrics::Registry* registry);

  void count(const Router::Route* route, Method method, int status, Duration took);

 private:
  metrics::Family<metrics::Counter>* requests_ = nullptr;
  metrics::Family<metrics::Histogram>* seconds_ = nullptr;
  std::unordered_map<const Router::Route*, metrics::Histogram*> by_route_;
};

// What the connections of one server share.
struct ServerShared {
  ServerShared(async::Runtime& on, Router routes, const ServerOptions& bounds)
      : runtime(on), router(std::move(routes)), options(bounds), metrics(bounds.metrics) {
    empty.set();
  }

  async::Runtime& runtime;
  Router router;
  ServerOptions options;
  ServerMetrics metrics;
  bool draining = false;
  std::size_t count = 0;
  async::Event empty;  // no connection is left
  async::IntrusiveList<Connection, ConnectionTag> connections;
};

// One connection of a server: reads, has a handler answer, writes, in turn. Owned by its own
// coroutine, in the server's scope.
class Connection : public async::ListHook<ConnectionTag> {
 public:
  Connection(ServerShared& shared, std::unique_ptr<async::Stream> stream);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Until the connection is over. Throws nothing but what a crash of the server would.
  Task<void> serve();

  // Ends it now when it is between two requests, else after the answer it works on.
  void drain() noexcept;

 private:
  enum class Received { request, refusal, nothing };
  enum class Next { keep, linger, close };

  Task<Next> exchange();
  Task<Received> receive();
  Task<std::error_code> wait_readable(Instant deadline);
  void look_up();
  void take_trace();
  Task<Response> handle();
  Task<bool> send(Response response, bool close);
  Task<bool> send_continue();
  Task<void> linger();
  void refuse(Response response) { answer_ = std::move(response); }
  void account(const Response& response, Instant began);
  Instant now() const { return shared_.runtime.now(); }

  ServerShared& shared_;
  std::unique_ptr<async::Stream> stream_;
  async::Endpoint peer_;
  RequestReader reader_;
  Router::Match match_;
  TraceContext trace_;              // of this request; the handler's
  std::optional<Response> answer_;  // decided before a handler was called
  bool between_requests_ = true;
  bool give_up_ = false;  // the rest of what the peer sends cannot be understood
  std::string out_;
};

}  // namespace sinew::http
