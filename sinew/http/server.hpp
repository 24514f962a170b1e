#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/http/router.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::http {

// Every bound of a server. The times are at most; each begins where the one before it ended.
struct ServerOptions {
  wire::HeadLimits head = {};
  std::uint64_t max_body_bytes = 1U << 20U;             // 413 above
  std::size_t max_connections = 1024;                   // 503 and closed above
  Duration idle_timeout = std::chrono::seconds(60);     // without a byte of the next request
  Duration header_timeout = std::chrono::seconds(10);   // first byte to end of head: 408
  Duration body_timeout = std::chrono::seconds(30);     // end of head to end of body: 408
  Duration handler_timeout = std::chrono::seconds(30);  // the handler's deadline: 504
  Duration write_timeout = std::chrono::seconds(30);    // for one answer to be taken
  // How long a connection that is given up is read on, so that its last answer arrives (RFC 9112,
  // section 9.6).
  Duration linger_timeout = std::chrono::seconds(1);
  std::size_t max_linger_bytes = 256 * 1024;

  // One line a request: method, route, path, status, bytes, time, trace. Not owned; may be null.
  const log::Logger* access_log = nullptr;
  // http_requests_total{method,route,status} and http_request_seconds{route}. May be null.
  metrics::Registry* metrics = nullptr;
};

// An HTTP/1.1 server: one listener, a coroutine a connection, requests of a connection answered in
// their order; those that were pipelined wait in the connection's buffer. Speaks the subset an API
// needs: no TLS, no upgrades, bodies whole in memory within max_body_bytes.
//
// What it answers by itself: 400, 413, 414, 417, 431, 501, 505 as the codec refuses; 404; 405 with
// Allow; OPTIONS; 408 on the timeouts above; 503 beyond max_connections; and for what a handler
// throws, the problem of that Error, or 500 with the cause in the log only. The trace of a request
// (traceparent) becomes the handler's task context.
//
// Lives on the runtime's worker, and is drained before it is destroyed; destroyed without, it drops
// its connections as a crash would.
class Server {
 public:
  Server(async::Runtime& runtime, Router router, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Listens and begins to accept. Errors: conflict when the address is taken, as Runtime::listen.
  void start(async::Endpoint endpoint = {});

  // Where it listens, with the port that was chosen. Only after start().
  async::Endpoint local() const;
  std::size_t connections() const noexcept;
  bool draining() const noexcept;

  // Accepts no more, closes idle connections, lets requests that have begun end, each with
  // `Connection: close`; what is not done after `patience` is cancelled. Throws nothing.
  Task<void> drain(Duration patience);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::http
