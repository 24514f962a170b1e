#include "sinew/context/context.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/error.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/context/naming.hpp"
#include "sinew/context/position.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/saga/journal.hpp"

namespace sinew::context {

Task<event::Lineage> Context::new_lineage() const {
  event::Lineage lineage;
  lineage.correlation_id = runtime().new_id();
  const TraceContext* trace = (co_await async::this_context()).trace;
  if (trace != nullptr) lineage.traceparent = trace->traceparent();
  co_return lineage;
}

Task<void> Context::wait_for(std::string projection, store::Checkpoint position,
                             Duration patience) {
  const auto& runners = resources_->projections;
  const auto runner =
      std::ranges::find(runners, projection, [](const auto& one) { return one->name(); });
  if (runner == runners.end()) {
    throw Error(Condition::invalid_input,
                fmt::format("{} waits for the view {} without having described it: add "
                            "spec.projection()",
                            resources_->name, projection));
  }
  co_await (*runner)->reached(position, patience);
}

Task<void> Context::wait_as_requested(const http::Request& request, std::string projection) {
  const auto wait = requested_wait(resources_->name, request);
  if (!wait) co_return;
  try {
    co_await wait_for(std::move(projection), wait->position, wait->patience);
  } catch (const Error& error) {
    if (error.condition() != Condition::timeout) throw;
    throw http::StatusError(503, error.detail());
  }
}

http::Response Context::with_position(http::Response response,
                                      const store::Checkpoint& position) const {
  if (position.at_start()) return response;  // nothing has ever happened: nothing to wait for
  response.headers.set(position_field, write_position(resources_->name, position));
  return response;
}

event::Envelope Context::header(std::string key, event::Lineage lineage) const {
  event::Envelope envelope;
  envelope.id = runtime().new_id();
  envelope.source = source_of(resources_->name);
  envelope.subject = key;
  envelope.ordering_key = std::move(key);
  envelope.time = runtime().wall_now();
  envelope.lineage = std::move(lineage);
  return envelope;
}

messaging::Requester& Context::requester_for(std::string_view question) const {
  if (resources_->requester != nullptr) return *resources_->requester;
  throw Error(Condition::invalid_input,
              fmt::format("{} asks {} without having described that it asks questions: add "
                          "spec.asks<...>()",
                          resources_->name, question));
}

store::Destination Context::whom_to_ask(std::string_view question) {
  return commands_of(owner_of(question));
}

Task<Uuid> Context::publish_alone(event::Envelope envelope) {
  event::Envelope sent = header(envelope.ordering_key, co_await new_lineage());
  if (!envelope.id.is_nil()) sent.id = envelope.id;
  sent.type = std::move(envelope.type);
  sent.version = envelope.version;
  sent.content_type = std::move(envelope.content_type);
  sent.data = std::move(envelope.data);
  co_await database().transaction(
      [&](store::Transaction& tx) -> Task<void> { co_await send_event(tx, sent); });
  co_return sent.id;
}

Task<void> Context::send_event(store::Transaction& tx, event::Envelope envelope) {
  co_await resources_->outbox.insert(tx, events_of(resources_->name), std::move(envelope));
}

void Context::add_event(store::OutboxBatch& batch, event::Envelope envelope) const {
  batch.add(events_of(resources_->name), std::move(envelope));
}

Task<void> Context::send_command(store::Transaction& tx, event::Envelope envelope,
                                 SendOptions options) {
  if (options.delay != Duration::zero()) event::delay_by(envelope, envelope.time, options.delay);
  if (options.expires_after) event::expire_after(envelope, envelope.time, *options.expires_after);
  const store::Destination to = commands_of(owner_of(envelope.type));
  co_await resources_->outbox.insert(tx, to, std::move(envelope));
}

Task<void> Context::send_reaction(store::Transaction& tx, const event::Envelope* cause,
                                  event::Envelope envelope) {
  co_await saga::write_journal(tx, envelope, cause);
  co_await send_event(tx, std::move(envelope));
}

Task<void> Context::send_reply(store::Transaction& tx, event::Envelope command,
                               messaging::ReplyData data) {
  if (command.reply_to.empty()) co_return;
  event::Envelope reply = messaging::make_reply(command, data, header({}, {}));
  co_await resources_->outbox.insert(tx, {store::DestinationKind::queue, command.reply_to},
                                     std::move(reply));
}

}  // namespace sinew::context
