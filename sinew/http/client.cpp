#include "sinew/http/client.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "sinew/base/trace.hpp"
#include "sinew/http/answer_reader.hpp"
#include "sinew/http/connection_pool.hpp"
#include "sinew/wire/chars.hpp"
#include "sinew/wire/uri.hpp"
#include "sinew/wire/writer.hpp"

namespace sinew::http {
namespace {

bool is_idempotent(const ClientRequest& request) noexcept {
  switch (request.method) {
    case Method::get:
    case Method::head:
    case Method::put:
    case Method::delete_:
    case Method::options: return true;
    default: return request.idempotent;
  }
}

bool is_clients_own(std::string_view name) noexcept {
  constexpr std::string_view kOwn[] = {
      "Host", "Content-Length", "Connection", "Transfer-Encoding", "traceparent", "tracestate"};
  return std::ranges::any_of(kOwn, [&](std::string_view own) { return wire::iequals(name, own); });
}

wire::Url parse_target(const std::string& text) {
  auto url = wire::parse_url(text);
  if (!url) throw Error(Condition::invalid_input, "`" + text + "` is no absolute http URL");
  if (url->scheme != "http") {
    throw Error(Condition::unsupported, text + ": this client speaks plain http only");
  }
  return std::move(*url);
}

std::string write_request(const ClientRequest& request, const wire::Url& url,
                          const TraceContext& trace) {
  constexpr std::size_t kRequestLineAndOwnFields = 512 + TraceContext::max_tracestate;
  std::size_t bytes =
      kRequestLineAndOwnFields + url.target.size() + url.host.size() + request.body.size();
  for (const Header& header : request.headers)
    bytes += header.name.size() + header.value.size() + 4;
  std::string text(bytes, '\0');
  wire::Writer writer(std::as_writable_bytes(std::span(text)));
  writer.request(wire::to_string(request.method), url.target).field("Host", url.authority());
  for (const Header& header : request.headers) {
    if (!is_clients_own(header.name)) writer.field(header.name, header.value);
  }
  if (trace.valid()) writer.field("traceparent", trace.traceparent());
  if (trace.valid() && !trace.tracestate().empty()) writer.field("tracestate", trace.tracestate());
  const bool has_content = request.method == Method::post || request.method == Method::put ||
                           request.method == Method::patch;
  if (has_content || !request.body.empty()) writer.content_length(request.body.size());
  writer.end_of_head().raw(wire::as_bytes(request.body));
  if (writer.fault() != wire::Fault::none) {
    throw Error(Condition::invalid_input, fmt::format("the request to {} cannot be sent: {}",
                                                      request.url, to_string(writer.fault())));
  }
  text.resize(writer.size());
  return text;
}

// One request on one connection.
struct Exchange {
  Exchange(ConnectionPool::Lease& on, std::string_view request, AnswerReader& into)
      : lease(on), text(request), reader(into) {}

  Task<bool> run();

  ConnectionPool::Lease& lease;
  std::string_view text;
  AnswerReader& reader;
  std::size_t sent = 0;
  std::error_code broken;  // what ended it, when run() gave false
  bool ended = false;      // the peer closed

 private:
  Task<void> write();
};

// Stops early when the connection breaks: an answer may be there all the same (413, say).
Task<void> Exchange::write() {
  async::Stream& stream = lease.stream();
  const auto bytes = wire::as_bytes(text);
  while (sent < bytes.size() && !broken) {
    const async::IoResult result = stream.try_write(bytes.subspan(sent));
    sent += result.bytes;
    if (!result.error) continue;
    broken = result.error;
    if (broken == std::errc::operation_would_block) broken = co_await stream.writable();
  }
}

// True when the answer is whole; false when the connection broke or the reader refused it.
Task<bool> Exchange::run() {
  co_await write();
  if (broken == std::errc::timed_out || broken == std::errc::operation_canceled) co_return false;
  if (sent == 0) co_return false;
  async::Stream& stream = lease.stream();
  for (;;) {
    const AnswerReader::Event event = reader.next();
    if (event != AnswerReader::Event::need_more) {
      co_return event == AnswerReader::Event::complete;
    }
    const async::IoResult read = stream.try_read(reader.room());
    reader.received(read.bytes);
    if (read.bytes > 0) continue;
    if (read.error == std::errc::operation_would_block) {
      broken = co_await stream.readable();
      if (broken) co_return false;
      continue;
    }
    ended = read.end_of_stream;
    broken = read.error;
    co_return ended&& reader.started() && reader.finish() == AnswerReader::Event::complete;
  }
}

[[noreturn]] void fail(const Exchange& exchange, const ClientRequest& request) {
  const Applied applied = exchange.sent == 0 ? Applied::no : Applied::unknown;
  const std::string what = fmt::format("{} {}", wire::to_string(request.method), request.url);
  if (exchange.reader.fault() != wire::Fault::none &&
      exchange.reader.fault() != wire::Fault::truncated) {
    throw Error(
        Condition::corrupt,
        fmt::format("{}: the answer is refused: {}", what, to_string(exchange.reader.fault())),
        applied);
  }
  if (exchange.broken == std::errc::timed_out) {
    throw Error(Condition::timeout, what + ": no whole answer came in time", applied);
  }
  if (exchange.broken == std::errc::operation_canceled) {
    throw Error(Condition::cancelled, what + ": cancelled", applied);
  }
  throw Error(Condition::unavailable, what + ": the connection was lost before the whole answer",
              applied);
}

}  // namespace

struct Client::State {
  State(async::Runtime& on, net::Resolver& resolver, const ClientOptions& bounds)
      : runtime(on), options(bounds), pool(on, resolver, options) {}

  Task<Response> send(ClientRequest request);

  async::Runtime& runtime;
  ClientOptions options;
  ConnectionPool pool;
};

Client::Client(async::Runtime& runtime, net::Resolver& resolver, ClientOptions options)
    : state_(std::make_unique<State>(runtime, resolver, options)) {}

Client::~Client() = default;

std::size_t Client::connections() const noexcept { return state_->pool.open(); }

Task<Response> Client::send(ClientRequest request) {
  const Instant deadline = state_->runtime.now() + state_->options.request_timeout;
  co_return co_await async::with_deadline(deadline, state_->send(std::move(request)));
}

Task<Response> Client::State::send(ClientRequest request) {
  const wire::Url url = parse_target(request.url);
  const TraceContext* trace = (co_await async::this_context()).trace;
  const std::string text = write_request(
      request, url, trace == nullptr ? TraceContext() : trace->child(runtime.random()));
  const Origin origin{url.host, url.port};
  wire::BodyLimits body_limits;
  body_limits.body_bytes = options.max_body_bytes;
  for (bool repeated = false;; repeated = true) {
    ConnectionPool::Lease lease = co_await pool.acquire(origin, repeated);
    AnswerReader reader(request.method, options.head, body_limits);
    Exchange exchange(lease, text, reader);
    if (co_await exchange.run()) {
      if (reader.reusable() && exchange.sent == text.size()) lease.give_back();
      co_return std::move(reader.response());
    }
    const bool gave_up =
        exchange.broken == std::errc::timed_out || exchange.broken == std::errc::operation_canceled;
    const bool safe = exchange.sent == 0 || (is_idempotent(request) && !reader.started());
    if (repeated || gave_up || !lease.reused() || !safe) fail(exchange, request);
  }
}

}  // namespace sinew::http
