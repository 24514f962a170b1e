#pragma once

#include "sinew/wire/bytes.hpp"
#include "sinew/wire/fault.hpp"
#include "sinew/wire/field_section.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::wire {

// Parses the head of one HTTP/1.1 or HTTP/1.0 answer, as RequestParser does requests and as
// strictly; how its body is framed depends on the method it answers (RFC 9112, section 6.3). An
// answer whose length two readers could see differently is refused as well: a proxy that guesses
// lets one client read another's answer. A status line without the space behind the code is taken.
//
// Interim answers (1xx) come before the final one: next_answer() and parse behind them; more than
// kMaxInterimAnswers are refused. After 101 or a 2xx to CONNECT the framing is `tunnel`.
class AnswerParser {
 public:
  explicit AnswerParser(Method answered, HeadLimits limits = {}) noexcept;

  // As RequestParser::parse.
  Progress parse(Bytes received) noexcept;

  const AnswerHead& head() const noexcept { return head_; }
  Fault fault() const noexcept { return fault_; }

  // Ready for an answer to a request of method `answered`, its bytes from offset 0 again.
  void reset(Method answered) noexcept;
  // Ready for the answer behind an interim one, its bytes from offset 0 again.
  void next_answer() noexcept;

 private:
  Progress refuse(Fault fault) noexcept;
  Fault status_line(std::string_view received, Slice line) noexcept;
  Fault finish(std::string_view received) noexcept;

  HeadLimits limits_;
  Method answered_;
  unsigned interim_answers_ = 0;
  LineCursor cursor_;
  FieldSection section_;
  bool in_fields_ = false;
  Fault fault_ = Fault::none;
  AnswerHead head_;
};

}  // namespace sinew::wire
