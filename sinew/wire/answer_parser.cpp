#include "sinew/wire/answer_parser.hpp"

#include <algorithm>

#include "sinew/wire/chars.hpp"
#include "sinew/wire/framing.hpp"

namespace sinew::wire {
namespace {

FieldSection make_section(std::uint32_t start, const HeadLimits& limits) noexcept {
  return {start, {limits.field_bytes, limits.fields, Fault::fields_too_large}};
}

}  // namespace

AnswerParser::AnswerParser(Method answered, HeadLimits limits) noexcept
    : limits_(limits), answered_(answered), section_(make_section(0, limits)) {
  limits_.fields = std::min<std::uint32_t>(limits_.fields, kMaxFields);
}

void AnswerParser::reset(Method answered) noexcept {
  answered_ = answered;
  interim_answers_ = 0;
  next_answer();
}

void AnswerParser::next_answer() noexcept {
  cursor_ = LineCursor();
  in_fields_ = false;
  fault_ = Fault::none;
}

Progress AnswerParser::refuse(Fault fault) noexcept {
  fault_ = fault;
  return Progress::refused;
}

Progress AnswerParser::parse(Bytes bytes) noexcept {
  const std::string_view received = as_text(bytes);
  if (fault_ != Fault::none) return Progress::refused;
  if (!in_fields_) {
    Slice line;
    const Progress progress =
        cursor_.next(received, limits_.start_line_bytes, Fault::start_line_too_long, line);
    if (progress == Progress::refused) return refuse(cursor_.fault());
    if (progress == Progress::incomplete) return progress;
    if (const Fault fault = status_line(received, line); fault != Fault::none) return refuse(fault);
    section_ = make_section(cursor_.position(), limits_);
    in_fields_ = true;
  }
  const Progress progress = section_.parse(received, head_.storage);
  if (progress == Progress::refused) return refuse(section_.fault());
  if (progress == Progress::incomplete) return progress;
  const Fault fault = finish(received);
  return fault == Fault::none ? Progress::complete : refuse(fault);
}

Fault AnswerParser::status_line(std::string_view received, Slice slice) noexcept {
  const std::string_view line = slice.in(received);
  if (line.find('\r') != std::string_view::npos) return Fault::bare_carriage_return;
  const std::size_t version_end = std::min(line.find(' '), line.size());
  const Fault fault = parse_version(line.substr(0, version_end), head_.version);
  if (fault != Fault::none) return fault;
  const std::string_view rest = line.substr(version_end);  // " 200 OK"
  if (rest.size() < 4 || (rest.size() > 4 && rest[4] != ' ')) return Fault::bad_status_line;
  unsigned status = 0;
  for (const char c : rest.substr(1, 3)) {
    if (!is(c, kDigit)) return Fault::bad_status_line;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  if (status < 100 || status > 599) return Fault::bad_status_line;
  head_.status = static_cast<std::uint16_t>(status);
  const std::size_t reason = std::min<std::size_t>(5, rest.size());
  head_.reason = {slice.offset + static_cast<std::uint32_t>(version_end + reason),
                  static_cast<std::uint32_t>(rest.size() - reason)};
  return is_field_text(rest.substr(reason)) ? Fault::none : Fault::bad_status_line;
}

Fault AnswerParser::finish(std::string_view received) noexcept {
  using Kind = Framing::Kind;
  head_.field_count = static_cast<std::uint16_t>(section_.count());
  head_.bytes = section_.end();
  MessageFields fields;
  if (const Fault fault = fields.gather(head_, received); fault != Fault::none) return fault;
  if (is_interim(head_) && ++interim_answers_ > kMaxInterimAnswers) {
    return Fault::too_many_interim_answers;
  }
  head_.upgrade = fields.upgrade();
  head_.keep_alive = fields.persistent(head_.version);

  const bool announced = fields.chunked || fields.length > 0;
  const bool opens_tunnel = head_.status == 101 || (answered_ == Method::connect &&
                                                    head_.status >= 200 && head_.status < 300);
  head_.framing = {};
  if (head_.status < 200 || head_.status == 204) {
    if (announced) return Fault::body_not_allowed;
    if (head_.status == 101) head_.framing.kind = Kind::tunnel;
  } else if (opens_tunnel) {
    head_.framing.kind = Kind::tunnel;
  } else if (answered_ == Method::head || head_.status == 304) {
    // What is announced is the body that a GET would have had.
  } else if (fields.chunked) {
    head_.framing.kind = Kind::chunked;
  } else if (fields.has_length) {
    if (fields.length > 0) head_.framing = {Kind::length, fields.length};
  } else {
    head_.framing.kind = Kind::until_close;
  }
  if (head_.framing.kind == Kind::until_close || head_.framing.kind == Kind::tunnel) {
    head_.keep_alive = false;
  }
  return Fault::none;
}

}  // namespace sinew::wire
