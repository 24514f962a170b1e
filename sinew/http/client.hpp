#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/http/message.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::http {

// Every bound of a client. An origin is a host and port.
struct ClientOptions {
  std::size_t max_connections_per_origin = 16;
  std::size_t max_waiting_per_origin = 1024;  // requests that wait for a connection
  std::size_t max_origins = 256;
  // An unused connection is closed after this; less than a server's usual 60 to 75 s, so that it
  // rarely closes while a request is on its way.
  Duration idle_timeout = std::chrono::seconds(30);
  Duration connect_timeout = std::chrono::seconds(5);   // for each address of a name
  Duration request_timeout = std::chrono::seconds(30);  // all of it; the task's deadline if earlier
  wire::HeadLimits head = {};
  std::uint64_t max_body_bytes = 8U << 20U;  // of an answer
};

// A request to send. Host, Content-Length, Connection, Transfer-Encoding and traceparent are the
// client's; such fields in `headers` are left out.
struct ClientRequest {
  Method method = Method::get;
  std::string url = {};  // http, absolute
  Headers headers = {};
  std::string body = {};
  // The peer acts once however often it is asked (it has an idempotency key), so that the request
  // may be repeated as GET, HEAD, PUT, DELETE and OPTIONS may (RFC 9110, section 9.2.2).
  bool idempotent = false;
};

// An HTTP/1.1 client with a pool of connections an origin. Redirects are answers like others.
//
// A request is sent again, once and on a new connection, only when a connection that had been used
// before turned out to be closed: any request of which no byte had left, else an idempotent one
// that had no byte of an answer. All other retries are for who knows what the request means.
//
// Lives on one worker; outlives its requests.
class Client {
 public:
  Client(async::Runtime& runtime, net::Resolver& resolver, ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Whatever the peer answers. Errors: invalid_input (the URL or a header), unsupported (https),
  // not_found (no such host), exhausted (too many origins or waiting requests), unavailable (no
  // connection, or it broke), timeout, cancelled, corrupt (the answer breaks HTTP or a limit).
  // `applied` is unknown from the first byte sent to the whole answer.
  Task<Response> send(ClientRequest request);

  // The answer's JSON, read tolerantly. Throws to_error(response) for what is no success, corrupt
  // for what is no Answer.
  template <class Answer>
  Task<Answer> get(std::string url) {
    co_return read_answer<Answer>(co_await send({.method = Method::get, .url = std::move(url)}));
  }

  // Sends `body` as JSON.
  template <class Answer, class Body>
  Task<Answer> post(std::string url, Body body, Headers headers = {}) {
    headers.set("Content-Type", "application/json");
    co_return read_answer<Answer>(co_await send({.method = Method::post,
                                                 .url = std::move(url),
                                                 .headers = std::move(headers),
                                                 .body = to_text(to_json(body))}));
  }

  // Connections open now, used or idle.
  std::size_t connections() const noexcept;

  template <class Answer>
  static Answer read_answer(const Response& response);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

template <class Answer>
Answer Client::read_answer(const Response& response) {
  if (!response.success()) throw to_error(response);
  try {
    return from_json<Answer>(response.json());
  } catch (const Error& error) {
    throw Error(Condition::corrupt, "the answer is not what was expected: " + error.detail(),
                Applied::unknown);
  }
}

}  // namespace sinew::http
