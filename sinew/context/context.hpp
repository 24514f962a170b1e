#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/base/log.hpp"
#include "sinew/event/personal.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/http/client.hpp"
#include "sinew/messaging/reply.hpp"
#include "sinew/messaging/request_reply.hpp"
#include "sinew/resilience/pipeline_registry.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/event_log.hpp"
#include "sinew/store/outbox.hpp"
#include "sinew/store/personal_database.hpp"
#include "sinew/store/projection_runner.hpp"

namespace sinew::context {

class ContextSpec;

// What a context works with; made by the host before describe() and alive until it stopped.
struct Resources {
  std::string name;
  std::filesystem::path folder;  // its own, for its database and file drops
  async::Runtime& runtime;
  store::Database& database;
  store::Outbox& outbox;
  saga::Orchestrator& sagas;
  http::Client& http;
  resilience::PipelineRegistry& pipelines;
  messaging::Requester* requester;  // null for a context that asks nothing
  const std::vector<std::unique_ptr<store::ProjectionRunner>>& projections;
  const event::Upcasters& upcasters;
  const event::Codecs& codecs;
  log::Logger log;
};

// When a command may be delivered.
struct SendOptions {
  Duration delay{};                         // not earlier; up to event::max_delay
  std::optional<Duration> expires_after{};  // not later; longer than the delay, as far
};

// A bounded context: its own model, tables and published language, on one worker. Derive, describe
// what it owns and answers, and write handlers as members; the host calls them on the worker, so
// members need no locks. Everything durable goes through database().
class Context {
 public:
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  virtual ~Context() = default;

  // Lower case, [a-z][a-z0-9]{0,39}: the prefix of its types, topics, queues and folder.
  virtual std::string_view name() const noexcept = 0;
  // Called once, before anything runs. Errors are reported with the context's name at start-up.
  virtual void describe(ContextSpec& spec) = 0;
  // After migrations and before the first request or message. What it throws stops the start-up.
  virtual Task<void> start() { co_return; }

 protected:
  async::Runtime& runtime() const { return resources_->runtime; }
  store::Database& database() const { return resources_->database; }
  store::EventLog& events() const { return resources_->database.event_log(); }
  saga::Orchestrator& sagas() const { return resources_->sagas; }
  http::Client& http() const { return resources_->http; }
  // Where pipelines are made known to the operator; made in start() at the earliest.
  resilience::PipelineRegistry& pipelines() const { return resources_->pipelines; }
  const log::Logger& log() const { return resources_->log; }
  const std::filesystem::path& folder() const { return resources_->folder; }
  const event::Upcasters& upcasters() const { return resources_->upcasters; }
  const event::Codecs& codecs() const { return resources_->codecs; }

  // Forgets a person, of whom the events named in ContextSpec::personal() have members, in one
  // transaction with `also`, which takes a Transaction& and does the same for rows of the context's
  // own. Who asked for it and why is kept. See store::forget_person().
  template <class Body>
  Task<store::Forgotten> forget_person(std::string subject, std::string actor, std::string reason,
                                       Body also) {
    return store::forget_person(
        database(), std::move(subject),
        store::Erasure{std::move(actor), std::move(reason), runtime().wall_now()}, std::move(also));
  }

  // Publishes an event to this context's topic, in the transaction. `key` orders it with the others
  // of its entity. One with personal members is not published: its copies could not be erased.
  // Errors: invalid_input (no key, data too large, or more than its encoding carries), unsupported
  // (no codec for the encoding of its type), exhausted (the outbox is full).
  template <event::Typed E>
  Task<void> publish(store::Transaction& tx, const E& event, std::string key,
                     event::Lineage lineage) {
    static_assert(!event::Personal<E>, "an event with personal members stays in its own log");
    return send_event(
        tx, event::seal(event, header(std::move(key), std::move(lineage)), resources_->codecs));
  }

  // Many events as one: add() puts each into a batch, with what is wrong with it instead where
  // something is; publish_all() publishes the batch in the transaction, in its order. With
  // OnError::fail nothing leaves unless all of it can: BatchRefused has all that is wrong. Errors:
  // invalid_input from add() (the batch is full), exhausted (the outbox has no room for all).
  template <event::Typed E>
  void add(store::OutboxBatch& batch, const E& event, std::string key,
           event::Lineage lineage) const {
    static_assert(!event::Personal<E>, "an event with personal members stays in its own log");
    add_made(batch, [&] {
      return event::seal(event, header(std::move(key), std::move(lineage)), resources_->codecs);
    });
  }
  Task<store::BatchInserted> publish_all(store::Transaction& tx, store::OutboxBatch batch,
                                         store::OnError on_error = store::OnError::fail) {
    return resources_->outbox.insert_all(tx, std::move(batch), on_error);
  }

  // Sends a command to the context that it belongs to, this one perhaps, in the transaction, and
  // hears no answer: what needs one goes through a saga. Delayed it is a reminder that survives
  // restarts; see docs/reference/broker.md for its time. `key` orders it with others of its entity,
  // from when it is due. Errors: invalid_input (data too large, options out of range), exhausted
  // (the outbox is full).
  template <event::TypedCommand C>
  Task<void> send(store::Transaction& tx, const C& command, std::string key, event::Lineage lineage,
                  SendOptions options = {}) {
    return send_command(tx, event::seal(command, header(std::move(key), std::move(lineage))),
                        options);
  }

  // A choreographed process, in the transaction: the event that begins it, and the one that follows
  // from another context's, be it the next step or a failure that makes others take back what they
  // did. Published as above, under the key of the cause, in its process, one hop further; noted in
  // the journal, so that `sinew trace` finds it. Errors: as publish(); invalid_input beyond
  // Lineage::max_hops.
  template <event::Typed E>
  Task<void> begin(store::Transaction& tx, const E& event, std::string key,
                   event::Lineage lineage) {
    return send_reaction(
        tx, nullptr,
        event::seal(event, header(std::move(key), std::move(lineage)), resources_->codecs));
  }
  template <event::Typed E>
  Task<void> react(store::Transaction& tx, const event::Envelope& cause, const E& event) {
    return send_reaction(tx, &cause,
                         event::seal(event, header(cause.ordering_key, event::caused_by(cause)),
                                     resources_->codecs));
  }

  // Asks the context that a question belongs to, and waits for its answer; describe() says
  // asks<C>(). For whoever waits and has nothing to lose: nothing is written down here, so what
  // must happen goes through a saga instead. Errors: timeout (nobody answered in time), exhausted
  // (1000 questions wait), unavailable (the broker is away), not_found (no such context),
  // invalid_input (describe() says of no question that it asks it), cancelled.
  template <event::TypedCommand C>
  Task<messaging::Answer<typename C::Reply>> ask(C question, Duration timeout) {
    return requester_for(C::type.name)
        .ask(whom_to_ask(C::type.name), std::move(question), {}, timeout);
  }

  // Answers a command, in the transaction that did what it asks.
  template <class Reply>
  Task<void> reply(store::Transaction& tx, const event::Envelope& command,
                   const messaging::Answer<Reply>& answer) {
    return send_reply(tx, command, messaging::to_reply_data(answer));
  }

  // Returns once the view of that projection holds every event up to `position`, which an append
  // of this context gave: what is read afterwards has them. Not within a transaction. Errors: those
  // of store::ProjectionRunner::reached(); invalid_input also for a projection that describe() does
  // not name.
  Task<void> wait_for(std::string projection, store::Checkpoint position, Duration patience);

  // The answer to a request that changed something, with where that stands: of its append, or
  // events().head() in its transaction when it had been done before. See position.hpp.
  http::Response with_position(http::Response response, const store::Checkpoint& position) const;

  // The lineage of what an outside request starts: a new process under the request's trace.
  Task<event::Lineage> new_lineage() const;

 private:
  friend class ContextRunner;
  friend class ContextSpec;
  friend class Entrance;
  messaging::Requester& requester_for(std::string_view question) const;
  static store::Destination whom_to_ask(std::string_view question);
  // As long as the request asks for it. Errors: as above, but StatusError 503 instead of timeout.
  Task<void> wait_as_requested(const http::Request& request, std::string projection);
  event::Envelope header(std::string key, event::Lineage lineage) const;
  template <class Make>
  void add_made(store::OutboxBatch& batch, Make make) const {
    event::Envelope envelope;
    try {
      envelope = make();
    } catch (const Error& error) {
      return batch.refuse(error.condition(), error.detail());
    }
    add_event(batch, std::move(envelope));
  }
  void add_event(store::OutboxBatch& batch, event::Envelope envelope) const;
  // In a transaction of its own; `envelope` brings type, data, key, and an id unless that is nil.
  Task<Uuid> publish_alone(event::Envelope envelope);
  Task<void> send_event(store::Transaction& tx, event::Envelope envelope);
  Task<void> send_command(store::Transaction& tx, event::Envelope envelope, SendOptions options);
  Task<void> send_reaction(store::Transaction& tx, const event::Envelope* cause,
                           event::Envelope envelope);
  Task<void> send_reply(store::Transaction& tx, event::Envelope command, messaging::ReplyData data);

  Resources* resources_ = nullptr;
};

}  // namespace sinew::context
