#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/event/typed.hpp"

namespace sinew::messaging {

// A participant's business "no", such as out_of_stock: an answer, not a failure. The command is
// done and is not tried again.
struct Rejection {
  std::string code;    // [a-z0-9_]{1,60}, for programs
  std::string detail;  // a sentence, for people
};
BOOST_DESCRIBE_STRUCT(Rejection, (), (code, detail))

// What a command is answered with: its Reply, or a Rejection.
template <class Reply>
using Answer = std::variant<Reply, Rejection>;

// What a reply carries. Exactly one of the two members is there.
struct ReplyData {
  std::optional<Json> value;
  std::optional<Rejection> rejection;
};
BOOST_DESCRIBE_STRUCT(ReplyData, (), (value, rejection))

// The envelope of a reply to `command`: its type is the command's with `.reply` behind, its subject
// key and `saga...` extensions are the command's, its causation names the command; it expires with
// the command, unless that is a saga's. `header` brings id, source and time.
event::Envelope make_reply(const event::Envelope& command, const ReplyData& data,
                           event::Envelope header);

// The inverse. Errors: invalid_input when it is no reply.
ReplyData read_reply(const event::Envelope& reply);

template <class Reply>
ReplyData to_reply_data(const Answer<Reply>& answer) {
  if (const auto* reply = std::get_if<Reply>(&answer)) return {to_json(*reply), std::nullopt};
  return {std::nullopt, std::get<Rejection>(answer)};
}

template <class Reply>
Answer<Reply> to_answer(const ReplyData& data) {
  if (data.rejection) return *data.rejection;
  return from_json<Reply>(*data.value);
}

}  // namespace sinew::messaging
