#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/portal.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/context/backend.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/entrance.hpp"
#include "sinew/context/forgetting.hpp"
#include "sinew/context/settings.hpp"
#include "sinew/context/spec.hpp"
#include "sinew/http/server.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/messaging/message_metrics.hpp"
#include "sinew/messaging/relay.hpp"
#include "sinew/messaging/request_reply.hpp"
#include "sinew/net/resolver.hpp"
#include "sinew/store/projection_runner.hpp"

namespace sinew::context {

// Ready: requests are welcome. A context stays ready while something in it waits for others (the
// broker is away, a projection is paused); `problems` names each with its reason.
struct Health {
  bool ready = false;
  std::vector<std::string> problems;
};
BOOST_DESCRIBE_STRUCT(Health, (), (ready, problems))

// What moves in a context now. Two equal readings with nothing pending are rest.
struct Activity {
  std::int64_t outbox = 0;   // messages that have not left
  std::int64_t in_work = 0;  // messages being handled
  std::int64_t waiting = 0;  // messages to be tried again, and those behind them
  std::int64_t blocked = 0;  // messages behind a parked one
  std::int64_t parked = 0;   // messages for an operator
  std::int64_t running_sagas = 0;
  std::int64_t stuck_sagas = 0;    // suspended, or with a failed compensation
  std::int64_t behind = 0;         // events that views are to take yet
  std::int64_t stalled_views = 0;  // paused, or with keys held, for an operator
  std::int64_t moved = 0;          // grows with every message handled or published
  friend bool operator==(const Activity&, const Activity&) = default;
};
BOOST_DESCRIBE_STRUCT(Activity, (),
                      (outbox, in_work, waiting, blocked, parked, running_sagas, stuck_sagas,
                       behind, stalled_views, moved))

// Where one context is run.
struct ContextPlace {
  std::filesystem::path folder;
  async::Endpoint endpoint;
  std::string host;  // its name
};

// Runs one context on its worker: opens its database, brings its schema up to date, starts relay,
// consumers, sagas, projections, drop folders and HTTP server, and stops them in the reverse order.
// All calls on the context's worker.
class ContextRunner final : private store::CommitListener {
 public:
  // `settings` must be valid. `metrics` outlives it; several contexts share one.
  ContextRunner(std::unique_ptr<Context> context, async::Runtime& runtime, ContextPlace place,
                ContextSettings settings, metrics::Registry& metrics);
  ~ContextRunner();

  // Everything or, with the error named by the context, nothing.
  Task<void> start(Backend& backend);
  // Takes nothing new, finishes what is under way within `patience`, closes the database.
  Task<void> drain(Duration patience);

  const std::string& name() const noexcept { return name_; }
  async::Runtime& runtime() noexcept { return runtime_; }
  async::Endpoint endpoint() const noexcept { return place_.endpoint; }
  store::Database& database() noexcept { return *database_; }
  saga::Orchestrator& sagas() noexcept { return *sagas_; }
  const std::vector<std::unique_ptr<store::ProjectionRunner>>& projections() const noexcept {
    return projections_;
  }
  // From any thread.
  Entrance entrance() const { return {name_, settings_.codecs, *context_, portal_}; }
  Health health() const;
  // Whether there are a database and what works on it: from start() to the end of drain().
  bool open() const noexcept { return database_ != nullptr; }
  // All zero while it is not open.
  Task<Activity> activity();
  // How its consumers stand, by their names.
  std::map<std::string, messaging::ConsumerStatus> consumers() const;
  // Of the questions that the context asks; null when it asks none.
  const messaging::RequesterStatus* questions() const noexcept;

  // Of its HTTP server, open now.
  std::size_t connections() const noexcept;
  // Of its inbox; null while it does not run.
  const InboxStatus* inbox() const noexcept;

  // The pipelines that the context made; null before start().
  resilience::PipelineRegistry* pipelines() noexcept { return pipelines_.get(); }

  // An operator changed a backlog or a saga: have it looked at now.
  void wake() noexcept;

 private:
  // Commands left the stash for the backlog.
  void committed() noexcept override { wake(); }
  Task<void> prepare(Backend& backend);
  Task<void> seal_personal_data();
  Task<void> declare();
  void add_consumers();
  void add_consumer(messaging::Handler& handler, const store::Destination& source,
                    const messaging::Middlewares& described);
  void add_relays();
  void serve();
  void spawn_all();
  Task<void> stop_consumers(Duration patience);
  Task<void> close();

  std::unique_ptr<resilience::PipelineRegistry> pipelines_;  // outlives the context's own
  std::unique_ptr<Context> context_;
  std::string name_;
  async::Runtime& runtime_;
  ContextPlace place_;
  ContextSettings settings_;
  metrics::Registry& metrics_;
  log::Logger log_;
  std::shared_ptr<async::Portal> portal_;  // of other threads; first to be closed

  std::unique_ptr<ContextSpec> spec_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<messaging::Broker> broker_;
  store::Outbox outbox_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<saga::Orchestrator> sagas_;
  std::unique_ptr<messaging::Requester> requester_;
  std::unique_ptr<Forgetting> forgetting_;
  std::unique_ptr<Resources> resources_;
  std::vector<std::unique_ptr<messaging::Relay>> relays_;
  std::vector<std::unique_ptr<messaging::MessageMetrics>> message_metrics_;  // of each consumer
  std::vector<std::unique_ptr<messaging::Consumer>> consumers_;
  std::vector<std::unique_ptr<store::ProjectionRunner>> projections_;
  std::vector<std::unique_ptr<exchange::DropFolder>> drops_;
  std::unique_ptr<http::Server> server_;
  std::optional<async::Scope> consuming_;  // consumers: stopped first
  std::optional<async::Scope> running_;    // the rest
  bool ready_ = false;
};

}  // namespace sinew::context
