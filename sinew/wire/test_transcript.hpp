#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/body.hpp"
#include "sinew/wire/request_parser.hpp"

// For tests and fuzz targets: what a connection sees of a byte stream, as text, so that two ways to
// deliver the same bytes can be compared.
namespace sinew::wire::test {

inline HeadLimits small_head_limits() {
  return {.start_line_bytes = 128, .field_bytes = 512, .fields = 8};
}
inline BodyLimits small_body_limits() {
  return {.body_bytes = 64, .chunk_extension_bytes = 24, .trailer_bytes = 64, .trailers = 2};
}

// One end of a connection that has received `stream` up to some point.
template <typename Parser>
class Receiver {
 public:
  Receiver(Parser parser, BodyLimits body_limits) : parser_(parser), body_limits_(body_limits) {}

  // Every arrival moves the bytes, so that a pointer kept across calls would be seen.
  void arrive(std::string_view bytes) {
    pending_ = pending_ + std::string(bytes);
    while (!stopped_ && (in_body_ ? take_body() : take_head())) {
    }
  }

  void close() {
    if (stopped_) return;
    if (in_body_) {
      note(body_.finish() == BodyDecoder::Event::end ? "end" : "truncated body");
    } else if (!pending_.empty()) {
      note("truncated head");
    }
  }

  const std::string& transcript() const { return transcript_; }
  // The first fault met.
  Fault fault() const { return fault_; }

 private:
  bool take_head() {
    const Progress progress = parser_.parse(as_bytes(pending_));
    if (progress == Progress::incomplete) return false;
    if (progress == Progress::refused) return refuse(parser_.fault());
    describe(parser_.head());
    body_ = BodyDecoder(parser_.head().framing, body_limits_);
    pending_ = pending_.substr(parser_.head().bytes);
    in_body_ = true;
    return true;
  }

  bool take_body() {
    const BodyDecoder::Step step = body_.next(as_bytes(pending_));
    if (step.event == BodyDecoder::Event::refused) return refuse(body_.fault());
    const std::string bytes(as_text(step.bytes));
    if (step.event == BodyDecoder::Event::piece) body_text_ += bytes;
    if (step.event == BodyDecoder::Event::end) {
      note("body " + body_text_);
      for (const Field& field : body_.trailers())
        describe(field, bytes);
      note("end");
      body_text_.clear();
      in_body_ = false;
      restart(parser_);
    }
    pending_ = pending_.substr(step.consumed);
    return step.event != BodyDecoder::Event::need_more;
  }

  static void restart(RequestParser& parser) { parser.reset(); }
  static void restart(AnswerParser& parser) {
    if (is_interim(parser.head())) {
      parser.next_answer();
    } else {
      parser.reset(Method::get);
    }
  }

  void describe(const Head& head) {
    for (const Field& field : head.fields())
      describe(field, pending_);
    note("framing " + std::to_string(static_cast<int>(head.framing.kind)) + " " +
         std::to_string(head.framing.length) + " keep " + std::to_string(head.keep_alive));
  }
  void describe(const RequestHead& head) {
    note(std::string(head.method_text.in(pending_)) + " path " +
         std::string(head.path.in(pending_)) + " query " + std::string(head.query.in(pending_)) +
         " authority " + std::string(head.authority.in(pending_)));
    describe(static_cast<const Head&>(head));
  }
  void describe(const AnswerHead& head) {
    note(std::to_string(head.status) + " " + std::string(head.reason.in(pending_)));
    describe(static_cast<const Head&>(head));
  }
  void describe(const Field& field, std::string_view buffer) {
    note(std::string(field.name.in(buffer)) + "=" + std::string(field.value.in(buffer)) + " #" +
         std::to_string(static_cast<int>(field.id)));
  }

  bool refuse(Fault fault) {
    fault_ = fault;
    stopped_ = true;
    note("body " + body_text_);
    note("refused: " + std::string(to_string(fault)));
    return false;
  }
  void note(const std::string& line) { transcript_ += line + "\n"; }

  Parser parser_;
  BodyLimits body_limits_;
  BodyDecoder body_;
  std::string pending_;
  std::string body_text_;
  std::string transcript_;
  Fault fault_ = Fault::none;
  bool in_body_ = false;
  bool stopped_ = false;
};

inline Receiver<RequestParser> request_receiver() {
  return {RequestParser(small_head_limits()), small_body_limits()};
}

inline Receiver<AnswerParser> answer_receiver(Method answered = Method::get) {
  return {AnswerParser(answered, small_head_limits()), small_body_limits()};
}

// Delivered at once, in two parts cut at `cut`, byte by byte.
template <typename R>
std::string whole(R receiver, std::string_view stream) {
  receiver.arrive(stream);
  receiver.close();
  return receiver.transcript();
}

template <typename R>
std::string cut_in_two(R receiver, std::string_view stream, std::size_t cut) {
  receiver.arrive(stream.substr(0, cut));
  receiver.arrive(stream.substr(cut));
  receiver.close();
  return receiver.transcript();
}

template <typename R>
std::string byte_by_byte(R receiver, std::string_view stream) {
  for (const char c : stream)
    receiver.arrive({&c, 1});
  receiver.close();
  return receiver.transcript();
}

}  // namespace sinew::wire::test
