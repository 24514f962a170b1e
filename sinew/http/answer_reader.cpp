#include "sinew/http/answer_reader.hpp"

#include <algorithm>
#include <cstring>

namespace sinew::http {
namespace {

constexpr std::size_t kFirstBufferBytes = 4096;

}  // namespace

AnswerReader::AnswerReader(Method answered, wire::HeadLimits head, wire::BodyLimits body)
    : body_limits_(body),
      most_bytes_(std::max(head.head_bytes(), body.working_bytes())),
      parser_(answered, head) {}

std::span<std::byte> AnswerReader::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    buffer_.resize(std::clamp(buffer_.size() * 2, kFirstBufferBytes, most_bytes_ + 1));
  }
  return std::span(buffer_).subspan(end_);
}

void AnswerReader::received(std::size_t bytes) noexcept {
  end_ += bytes;
  started_ = started_ || bytes > 0;
}

AnswerReader::Event AnswerReader::refuse(wire::Fault fault) noexcept {
  fault_ = fault;
  state_ = State::refused;
  return Event::refused;
}

AnswerReader::Event AnswerReader::next() {
  while (state_ == State::head) {
    if (const Event event = parse_head(); event != Event::complete) return event;
  }
  switch (state_) {
    case State::body: return take_body();
    case State::complete: return Event::complete;
    default: return Event::refused;
  }
}

// `complete` here: one head is done with, an interim one perhaps.
AnswerReader::Event AnswerReader::parse_head() {
  switch (parser_.parse(pending())) {
    case wire::Progress::incomplete: return Event::need_more;
    case wire::Progress::refused: return refuse(parser_.fault());
    case wire::Progress::complete: break;
  }
  const wire::AnswerHead& head = parser_.head();
  const wire::Bytes buffer = pending();
  begin_ += head.bytes;
  if (wire::is_interim(head)) {
    parser_.next_answer();
    return Event::complete;
  }
  // Nobody asked for a tunnel here.
  if (head.framing.kind == wire::Framing::Kind::tunnel) return refuse(wire::Fault::bad_status_line);
  response_.status = head.status;
  for (const wire::Field& field : head.fields()) {
    response_.headers.add(std::string(field.name.in(buffer)), std::string(field.value.in(buffer)));
  }
  body_ = wire::BodyDecoder(head.framing, body_limits_);
  state_ = State::body;
  return Event::complete;
}

AnswerReader::Event AnswerReader::take_body() {
  for (;;) {
    const wire::BodyDecoder::Step step = body_.next(pending());
    if (step.event == wire::BodyDecoder::Event::refused) return refuse(body_.fault());
    if (step.event == wire::BodyDecoder::Event::piece) response_.body += wire::as_text(step.bytes);
    begin_ += step.consumed;
    if (step.event == wire::BodyDecoder::Event::need_more) return Event::need_more;
    if (step.event == wire::BodyDecoder::Event::end) {
      state_ = State::complete;
      return Event::complete;
    }
  }
}

AnswerReader::Event AnswerReader::finish() {
  if (state_ == State::complete) return Event::complete;
  if (state_ != State::body) return refuse(wire::Fault::truncated);
  if (body_.finish() != wire::BodyDecoder::Event::end) return refuse(body_.fault());
  state_ = State::complete;
  return Event::complete;
}

bool AnswerReader::reusable() const noexcept {
  return state_ == State::complete && parser_.head().keep_alive && begin_ == end_;
}

}  // namespace sinew::http
