#include "sinew/http/connection.hpp"

#include <utility>

#include "sinew/http/problem.hpp"
#include "sinew/http/response_text.hpp"

namespace sinew::http {
namespace {

constexpr const char* kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

wire::BodyLimits body_limits(const ServerOptions& options) noexcept {
  wire::BodyLimits limits;
  limits.body_bytes = options.max_body_bytes;
  return limits;
}

// An HTTP/1.0 peer that asked for it would want to be told; it is as well served by a close.
bool lives_on(const wire::RequestHead& head) noexcept {
  return head.keep_alive && head.version == wire::Version::http_1_1;
}

Response not_allowed(const std::string& allow, Method method) {
  Response response = no_content();
  if (method != Method::options) {
    response = problem(405, "this path does not take that method; see Allow");
  }
  response.headers.add("Allow", allow);
  return response;
}

}  // namespace

Connection::Connection(ServerShared& shared, std::unique_ptr<async::Stream> stream)
    : shared_(shared),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      reader_(shared.options.head, body_limits(shared.options)) {
  shared_.connections.push_back(*this);
  ++shared_.count;
  shared_.empty.reset();
}

Connection::~Connection() {
  if (--shared_.count == 0) shared_.empty.set();
}

void Connection::drain() noexcept {
  if (between_requests_) stream_->close();
}

Task<void> Connection::serve() {
  // A peer that never lets the connection wait must not keep the worker from the others.
  constexpr unsigned kRequestsInARow = 16;
  Next next = Next::keep;
  for (unsigned served = 1; next == Next::keep; ++served) {
    next = co_await exchange();
    if (served % kRequestsInARow == 0) co_await async::yield();
  }
  if (next == Next::linger) co_await linger();
  stream_->close();
}

Task<Connection::Next> Connection::exchange() {
  reader_.start_next();
  match_ = {};
  trace_ = {};
  answer_.reset();
  const Received received = co_await receive();
  between_requests_ = false;
  if (received == Received::nothing) co_return Next::close;

  const Instant began = now();
  if (!answer_) answer_ = co_await handle();
  const bool close = give_up_ || shared_.draining || !lives_on(reader_.head());
  account(*answer_, began);
  const bool sent = co_await send(std::move(*answer_), close);
  if (!sent) co_return Next::close;
  co_return close ? Next::linger : Next::keep;
}

Task<Connection::Received> Connection::receive() {
  const ServerOptions& options = shared_.options;
  bool continued = false;
  bool fresh = true;  // no byte of this request yet
  Instant deadline = now() + options.idle_timeout;
  for (;;) {
    const RequestReader::Event event = reader_.next();
    if (event == RequestReader::Event::complete) co_return Received::request;
    if (event == RequestReader::Event::refused) {
      give_up_ = true;
      refuse(problem(wire::status_for(reader_.fault()), std::string(to_string(reader_.fault()))));
      co_return Received::refusal;
    }
    const bool expects = reader_.in_body() && reader_.head().expects_continue;
    if (event == RequestReader::Event::head) {
      fresh = false;  // also when the head came as a whole
      deadline = now() + options.body_timeout;
      reader_.request().peer = peer_;
      take_trace();
      look_up();
      continue;
    }
    if (expects && answer_) {  // whether the peer then sends its body is not known
      give_up_ = true;
      co_return Received::refusal;
    }
    if (expects && !std::exchange(continued, true) && !co_await send_continue()) {
      co_return Received::nothing;
    }
    between_requests_ = reader_.idle();
    if (between_requests_ && shared_.draining) co_return Received::nothing;
    if (!between_requests_ && std::exchange(fresh, false)) {
      deadline = now() + options.header_timeout;
    }

    const async::IoResult read = stream_->try_read(reader_.room());
    reader_.received(read.bytes);
    if (read.bytes > 0) continue;
    if (read.end_of_stream) co_return Received::nothing;
    if (read.error != std::errc::operation_would_block) co_return Received::nothing;
    const std::error_code error = co_await wait_readable(deadline);
    if (!error) continue;
    if (error != std::errc::timed_out || between_requests_) co_return Received::nothing;
    give_up_ = true;
    refuse(problem(408, "the request did not arrive in time"));
    co_return Received::refusal;
  }
}

Task<std::error_code> Connection::wait_readable(Instant deadline) {
  const auto wait = [](async::Stream& stream) -> Task<std::error_code> {
    co_return co_await stream.readable();
  };
  co_return co_await async::with_deadline(deadline, wait(*stream_));
}

// The request's own trace, or a new one.
void Connection::take_trace() {
  const Headers& headers = reader_.request().headers;
  const auto parent = TraceContext::parse(headers.get("traceparent"), headers.get("tracestate"));
  async::Runtime& runtime = shared_.runtime;
  if (parent) {
    trace_ = parent->child(runtime.random());
  } else {
    const std::uint64_t high = runtime.random();
    const std::uint64_t low = runtime.random();
    trace_ = TraceContext::start(high, low, runtime.random(), false);
  }
}

// Decides from the head alone whether a handler will see the request.
void Connection::look_up() {
  const Request& request = reader_.request();
  if (request.method == Method::other || request.method == Method::connect ||
      request.method == Method::trace) {
    return refuse(problem(501, "this server does not know the method"));
  }
  if (request.path.empty()) return refuse(not_allowed(kAllMethods, Method::options));  // OPTIONS *
  match_ = shared_.router.find(request.method, request.path);
  if (!match_.allow.empty()) return refuse(not_allowed(match_.allow, request.method));
  if (match_.route == nullptr) return refuse(problem(404, "there is nothing at " + request.path));
  reader_.request().path_parameters = std::move(match_.parameters);
  try {
    shared_.router.check(request);
  } catch (const Error& error) {
    refuse(problem(error));
  }
}

Task<Response> Connection::handle() {
  const Instant deadline = now() + shared_.options.handler_timeout;
  try {
    Task<Response> answer =
        async::with_name(match_.route->name, match_.route->handler(reader_.request()));
    co_return co_await async::with_trace(trace_, async::with_deadline(deadline, std::move(answer)));
  } catch (const Error& error) {
    co_return problem(error);
  } catch (const std::exception& error) {
    log::error("a handler failed", {{"route", match_.route->pattern}, {"cause", error.what()}});
  } catch (...) {
    log::error("a handler failed",
               {{"route", match_.route->pattern}, {"cause", "it threw what is no exception"}});
  }
  co_return problem(500, "the handler failed; the log has the cause");
}

Task<bool> Connection::send(Response response, bool close) {
  const SendAs how{.head = reader_.request().method == Method::head,
                   .close = close,
                   .date = shared_.runtime.wall_now()};
  if (const wire::Fault fault = write_response(response, how, out_); fault != wire::Fault::none) {
    log::error("an answer cannot be written", {{"path", reader_.request().path},
                                               {"status", response.status},
                                               {"cause", to_string(fault)}});
    response = problem(500, "the handler's answer cannot be written; the log has the cause");
    write_response(response, how, out_);
  }
  const std::error_code error =
      co_await async::with_deadline(now() + shared_.options.write_timeout,
                                    async::write_all(*stream_, std::as_bytes(std::span(out_))));
  co_return !error;
}

Task<bool> Connection::send_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::error_code error = co_await async::with_deadline(
      now() + shared_.options.write_timeout, async::write_all(*stream_, wire::as_bytes(kContinue)));
  co_return !error;
}

// Says that nothing more comes, then discards what does, so that the peer gets the answer before a
// reset that unread bytes would cause.
Task<void> Connection::linger() {
  stream_->shutdown_write();
  const Instant deadline = now() + shared_.options.linger_timeout;
  std::size_t left = shared_.options.max_linger_bytes;
  std::array<std::byte, 4096> discarded;
  while (left > 0) {
    const async::IoResult read =
        stream_->try_read(std::span(discarded).first(std::min(left, discarded.size())));
    left -= read.bytes;
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) co_return;
    if (co_await wait_readable(deadline)) co_return;
  }
}

void Connection::account(const Response& response, Instant began) {
  const Request& request = reader_.request();
  const Router::Route* route = match_.route;
  const Duration took = now() - began;
  shared_.metrics.count(route, request.method, response.status, took);
  if (shared_.options.access_log == nullptr) return;
  // A gateway in front names the request: its log and ours are found by one word.
  const auto id = request.headers.get("X-Request-Id");
  const log::Logger& all = *shared_.options.access_log;
  const log::Logger access_log = id.empty() ? all : all.with({{"request_id", id}});
  access_log.info("request",
                  {{"method", wire::to_string(request.method)},
                   {"path", request.path},
                   {"route", route == nullptr ? std::string_view("none") : route->pattern},
                   {"status", response.status},
                   {"bytes", response.body.size()},
                   {"micros", took / std::chrono::microseconds(1)},
                   {"trace", trace_id_text(trace_)}});
}

ServerMetrics::ServerMetrics(metrics::Registry* registry) {
  if (registry == nullptr) return;
  requests_ = &registry->counters("http_requests_total", "Answers sent by the server.",
                                  {"method", "route", "status"});
  seconds_ =
      &registry->histograms("http_request_seconds", "Time to answer a whole request.", {"route"});
}

void ServerMetrics::count(const Router::Route* route, Method method, int status, Duration took) {
  if (requests_ == nullptr) return;
  const std::string_view pattern = route == nullptr ? std::string_view("none") : route->pattern;
  metrics::Histogram*& seconds = by_route_[route];
  if (seconds == nullptr) seconds = &seconds_->with({pattern});
  seconds->observe(std::chrono::duration<double>(took).count());
  const std::string text = std::to_string(status);
  requests_->with({wire::to_string(method), pattern, text}).add();
}

}  // namespace sinew::http
