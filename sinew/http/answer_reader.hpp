#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sinew/http/message.hpp"
#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/body.hpp"

namespace sinew::http {

// Puts one answer together from the bytes of a connection; sans-io. Interim answers are passed
// over, at most wire::kMaxInterimAnswers of them.
class AnswerReader {
 public:
  enum class Event : std::uint8_t {
    need_more,
    complete,  // response() is whole
    refused,   // fault() says why
  };

  AnswerReader(Method answered, wire::HeadLimits head, wire::BodyLimits body);

  Event next();

  // Where to read into: at least one byte, bounded by what a head or a body's framing may take.
  std::span<std::byte> room();
  void received(std::size_t bytes) noexcept;

  // The peer has closed. `complete` for an answer that ends so.
  Event finish();

  // Whether anything has arrived at all.
  bool started() const noexcept { return started_; }
  // Once complete: the connection may carry another request. Not with bytes that nobody asked for.
  bool reusable() const noexcept;

  Response& response() noexcept { return response_; }
  wire::Fault fault() const noexcept { return fault_; }

 private:
  enum class State : std::uint8_t { head, body, complete, refused };

  Event parse_head();
  Event take_body();
  Event refuse(wire::Fault fault) noexcept;
  wire::Bytes pending() const noexcept {
    return wire::Bytes(buffer_).subspan(begin_, end_ - begin_);
  }

  wire::BodyLimits body_limits_;
  std::size_t most_bytes_;
  State state_ = State::head;
  wire::Fault fault_ = wire::Fault::none;
  bool started_ = false;
  wire::AnswerParser parser_;
  wire::BodyDecoder body_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Response response_;
};

}  // namespace sinew::http
