#include "sinew/http/request_reader.hpp"

#include <algorithm>
#include <cstring>

namespace sinew::http {
namespace {

constexpr std::size_t kFirstBufferBytes = 4096;

}  // namespace

RequestReader::RequestReader(wire::HeadLimits head, wire::BodyLimits body)
    : body_limits_(body),
      most_bytes_(std::max(head.head_bytes(), body.working_bytes())),
      parser_(head) {}

std::span<std::byte> RequestReader::room() {
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

RequestReader::Event RequestReader::next() {
  switch (state_) {
    case State::head: return parse_head();
    case State::body: return take_body();
    case State::complete: return Event::complete;
    case State::refused: return Event::refused;
  }
  return Event::refused;
}

void RequestReader::start_next() {
  parser_.reset();
  request_ = {};
  state_ = State::head;
}

RequestReader::Event RequestReader::refuse(wire::Fault fault) noexcept {
  fault_ = fault;
  state_ = State::refused;
  return Event::refused;
}

RequestReader::Event RequestReader::parse_head() {
  switch (parser_.parse(pending())) {
    case wire::Progress::incomplete: return Event::need_more;
    case wire::Progress::refused: return refuse(parser_.fault());
    case wire::Progress::complete: break;
  }
  if (const wire::Fault fault = fill_request(); fault != wire::Fault::none) return refuse(fault);
  begin_ += head().bytes;
  // A CONNECT's tunnel is never opened here: the request ends with its head.
  body_ = head().framing.has_body() ? wire::BodyDecoder(head().framing, body_limits_)
                                    : wire::BodyDecoder();
  state_ = State::body;
  return Event::head;
}

wire::Fault RequestReader::fill_request() {
  const wire::Bytes buffer = pending();
  request_.method = head().method;
  request_.target = head().target.in(buffer);
  for (const wire::Field& field : head().fields()) {
    request_.headers.add(std::string(field.name.in(buffer)), std::string(field.value.in(buffer)));
  }
  if (head().form == wire::TargetForm::origin || head().form == wire::TargetForm::absolute) {
    auto path = wire::normalize_path(head().path.in(buffer));
    if (!path) return path.error();
    request_.path = std::move(*path);
    auto query = wire::parse_query(head().query.in(buffer));
    if (!query) return query.error();
    request_.query = std::move(*query);
  }
  return wire::Fault::none;
}

RequestReader::Event RequestReader::take_body() {
  for (;;) {
    const wire::BodyDecoder::Step step = body_.next(pending());
    if (step.event == wire::BodyDecoder::Event::refused) return refuse(body_.fault());
    if (step.event == wire::BodyDecoder::Event::piece) request_.body += wire::as_text(step.bytes);
    begin_ += step.consumed;
    if (step.event == wire::BodyDecoder::Event::need_more) return Event::need_more;
    if (step.event == wire::BodyDecoder::Event::end) {
      state_ = State::complete;
      return Event::complete;
    }
  }
}

}  // namespace sinew::http
