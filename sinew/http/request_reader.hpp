#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sinew/http/message.hpp"
#include "sinew/wire/body.hpp"
#include "sinew/wire/request_parser.hpp"

namespace sinew::http {

// Puts requests together from the bytes of one connection; sans-io. Requests that were pipelined
// wait in its buffer, which bounds them.
//
//   for (;;) switch (reader.next()) ...  need_more: read into room(), then received(n)
class RequestReader {
 public:
  enum class Event : std::uint8_t {
    need_more,
    head,      // request() has all but the body; call next() again
    complete,  // request() is whole; start_next() before the next
    refused,   // fault() says why; the connection can only be answered and closed
  };

  RequestReader(wire::HeadLimits head, wire::BodyLimits body);

  Event next();

  // Where to read into: at least one byte, at most what a head or a body's framing may take.
  std::span<std::byte> room();
  void received(std::size_t bytes) noexcept { end_ += bytes; }

  // Without a byte of the next request: between two of them.
  bool idle() const noexcept { return state_ == State::head && begin_ == end_; }
  bool in_body() const noexcept { return state_ == State::body; }

  Request& request() noexcept { return request_; }
  const wire::RequestHead& head() const noexcept { return parser_.head(); }
  wire::Fault fault() const noexcept { return fault_; }

  void start_next();

 private:
  enum class State : std::uint8_t { head, body, complete, refused };

  Event parse_head();
  Event take_body();
  Event refuse(wire::Fault fault) noexcept;
  wire::Fault fill_request();
  wire::Bytes pending() const noexcept {
    return wire::Bytes(buffer_).subspan(begin_, end_ - begin_);
  }

  wire::BodyLimits body_limits_;
  std::size_t most_bytes_;
  State state_ = State::head;
  wire::Fault fault_ = wire::Fault::none;
  wire::RequestParser parser_;
  wire::BodyDecoder body_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Request request_;
};

}  // namespace sinew::http
