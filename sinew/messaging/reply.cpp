#include "sinew/messaging/reply.hpp"

namespace sinew::messaging {

event::Envelope make_reply(const event::Envelope& command, const ReplyData& data,
                           event::Envelope header) {
  header.type = command.type + ".reply";
  header.version = command.version;
  header.subject = command.subject;
  header.ordering_key = command.ordering_key;
  header.lineage = event::caused_by(command);
  bool of_saga = false;
  for (const auto& [name, value] : command.extensions) {
    if (!name.starts_with("saga")) continue;
    header.extensions[name] = value;
    of_saga = true;
  }
  // Whoever waits for an answer waits as long as the question lives; a saga waits for ever.
  const auto expiry = command.extensions.find("expirytime");
  if (!of_saga && expiry != command.extensions.end()) header.extensions.insert(*expiry);
  header.data = SharedBytes(to_text(to_json(data)));
  return header;
}

ReplyData read_reply(const event::Envelope& reply) {
  auto data = from_json<ReplyData>(parse_json(reply.data.view()));
  if (data.value.has_value() == data.rejection.has_value()) {
    throw Error(Condition::invalid_input,
                "a reply has either a value or a rejection: " + reply.type + " has both or none");
  }
  return data;
}

}  // namespace sinew::messaging
