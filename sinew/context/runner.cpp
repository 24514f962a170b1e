#include "sinew/context/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "sinew/async/patience.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/naming.hpp"
#include "sinew/context/projection_operations.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "sinew/store/personal_database.hpp"
#include "sinew/store/projection_verbs.hpp"
#include "sinew/store/schema.hpp"

namespace sinew::context {
namespace {

std::unique_ptr<net::Resolver> make_resolver(const ContextSettings& settings) {
  if (settings.dns) return std::make_unique<net::DnsResolver>(*settings.dns);
  return std::make_unique<net::FixedResolver>();
}

}  // namespace

ContextRunner::ContextRunner(std::unique_ptr<Context> context, async::Runtime& runtime,
                             ContextPlace place, ContextSettings settings,
                             metrics::Registry& metrics)
    : context_(std::move(context)),
      name_(context_->name()),
      runtime_(runtime),
      place_(std::move(place)),
      settings_(std::move(settings)),
      metrics_(metrics),
      log_(log::root().with({{"context", name_}})),
      portal_(std::make_shared<async::Portal>(
          runtime_, name_, static_cast<std::size_t>(settings_.entrance_capacity))),
      outbox_(settings_.outbox_capacity) {}

ContextRunner::~ContextRunner() { portal_->abandon(); }

Task<void> ContextRunner::start(Backend& backend) {
  std::exception_ptr failure;
  try {
    co_await prepare(backend);
    co_await declare();
    co_await context_->start();
    serve();
  } catch (const Error& error) {
    failure = std::make_exception_ptr(
        Error(error.condition(), fmt::format("{} cannot start: {}", name_, error.detail())));
  } catch (const std::exception& error) {
    failure = std::make_exception_ptr(
        Error(Condition::unavailable, fmt::format("{} cannot start: {}", name_, error.what())));
  }
  if (failure) {
    co_await close();
    std::rethrow_exception(failure);
  }
  add_consumers();
  spawn_all();
  portal_->open();
  ready_ = true;
}

// The context's own routes, and those for whoever watches it: /health answers as long as the worker
// turns, /ready with 503 while no requests are welcome.
void ContextRunner::serve() {
  const auto watch = [this](const char* path, bool strict) {
    spec_->router_.route(http::Method::get, path,
                         [this, strict](const http::Request&) -> Task<http::Response> {
                           const Health now = health();
                           http::Response response = http::ok(to_json(now));
                           if (strict && !now.ready) response.status = 503;
                           co_return response;
                         });
  };
  watch("/health", false);
  watch("/ready", true);
  http::ServerOptions options;
  options.max_body_bytes = settings_.max_body.bytes;
  options.metrics = &metrics_;
  options.access_log = &log_;
  server_ = std::make_unique<http::Server>(runtime_, std::move(spec_->router_), options);
  server_->start(place_.endpoint);
  place_.endpoint = server_->local();
}

Task<void> ContextRunner::seal_personal_data() {
  const PersonalDataSettings& keys = settings_.personal_data;
  if (!keys.master_key) {
    throw Error(Condition::invalid_input,
                "its events have personal members: give the host personal_data.master_key");
  }
  auto masters = store::MasterKeys::parse(*keys.master_key, keys.previous_master_key);
  database_ = co_await store::PersonalDatabase::open(std::move(database_), runtime_,
                                                     spec_->personal_, std::move(masters));
}

Task<void> ContextRunner::prepare(Backend& backend) {
  std::filesystem::create_directories(place_.folder);
  spec_ = std::make_unique<ContextSpec>(*context_);
  context_->describe(*spec_);
  spec_->check_locks();
  store::validate(spec_->projections_);
  spec_->check_views();
  spec_->unstashed_ = this;
  for (const auto& type : spec_->handled_) {
    spec_->upcasters_.check(type);
    settings_.codecs.check(type);
  }
  database_ = co_await backend.open_database(runtime_, place_.folder);
  if (!spec_->personal_.empty()) co_await seal_personal_data();
  co_await database_->migrate(store::store_migrations());
  co_await database_->migrate(messaging::messaging_migrations());
  co_await database_->migrate(saga::saga_migrations());
  co_await database_->migrate({name_, spec_->migrations_});
  if (backend.databases_are_exclusive()) {
    co_await database_->transaction(
        [this](store::Transaction& tx) { return outbox_.release_all(tx); });
  }
  resolver_ = make_resolver(settings_);
  http_ = std::make_unique<http::Client>(runtime_, *resolver_);
  sagas_ = std::make_unique<saga::Orchestrator>(
      runtime_, *database_, outbox_, saga::Address{source_of(name_), replies_of(name_).name});
  for (auto& definition : spec_->sagas_)
    sagas_->add(std::move(definition));
  co_await sagas_->check_live_versions();
  broker_ = co_await backend.connect_broker(runtime_, name_);
  if (spec_->has_questions_) {
    requester_ = std::make_unique<messaging::Requester>(
        runtime_, *broker_,
        messaging::RequesterSettings{.source = source_of(name_),
                                     .replies = answers_of(name_).name});
  }
  for (store::Projection* projection : spec_->projections_) {
    projections_.push_back(std::make_unique<store::ProjectionRunner>(*database_, *projection));
    co_await projections_.back()->prepare();
  }
  pipelines_ = std::make_unique<resilience::PipelineRegistry>(runtime_, metrics_, name_, log_);
  resources_ = std::make_unique<Resources>(
      Resources{name_, place_.folder, runtime_, *database_, outbox_, *sagas_, *http_, *pipelines_,
                requester_.get(), projections_, spec_->upcasters_, settings_.codecs, log_});
  context_->resources_ = resources_.get();
}

Task<void> ContextRunner::declare() {
  messaging::Topology topology;
  topology.queues.push_back({commands_of(name_).name});
  topology.queues.push_back({replies_of(name_).name});
  topology.topics.push_back({.name = events_of(name_).name, .retention = spec_->retention_});
  for (const auto& [owner, dispatcher] : spec_->topics_) {
    if (owner != name_) topology.topics.push_back({events_of(owner).name});
  }
  co_await broker_->declare(std::move(topology));
}

void ContextRunner::add_consumers() {
  for (auto& [owner, dispatcher] : spec_->topics_)
    add_consumer(dispatcher, events_of(owner), spec_->around_events_);
  if (spec_->has_commands_) {
    add_consumer(spec_->commands_, commands_of(name_), spec_->around_commands_);
  }
  if (!spec_->sagas_.empty()) add_consumer(*sagas_, replies_of(name_), spec_->around_replies_);
}

void ContextRunner::add_consumer(messaging::Handler& handler, const store::Destination& source,
                                 const messaging::Middlewares& described) {
  messaging::ConsumerSettings settings;
  settings.name = consumer_of(name_, source);
  settings.label = async::lasting_name(settings.name);
  settings.source.source = source;
  settings.source.group = name_;
  settings.max_hops = settings_.max_hops;
  settings.retry = spec_->retry_.value_or(settings_.retry);
  message_metrics_.push_back(std::make_unique<messaging::MessageMetrics>(runtime_, metrics_));
  settings.middleware = described;
  settings.middleware.delivery.insert(settings.middleware.delivery.begin(),
                                      message_metrics_.back().get());
  consumers_.push_back(std::make_unique<messaging::Consumer>(runtime_, *database_, *broker_,
                                                             handler, std::move(settings)));
}

void ContextRunner::add_relays() {
  messaging::RelaySettings settings;
  settings.partitions = messaging::share_of(settings_.relays);
  for (std::int32_t i = 1; i <= settings_.relays; ++i) {
    settings.name = fmt::format("{} at {}, {}", name_, place_.host, i);
    relays_.push_back(
        std::make_unique<messaging::Relay>(runtime_, *database_, outbox_, *broker_, settings));
  }
}

void ContextRunner::spawn_all() {
  running_.emplace(runtime_, "context");
  consuming_.emplace(runtime_, "consumer");
  add_relays();
  for (auto& relay : relays_)
    running_->spawn(relay->run(), "relay");
  running_->spawn(sagas_->run(), "sagas");
  forgetting_ = std::make_unique<Forgetting>(
      runtime_, *database_, Remembering{settings_.inbox_retention, settings_.journal_retention},
      log_);
  running_->spawn(forgetting_->run(), "old marks");
  if (requester_) running_->spawn(requester_->run(), "answers");
  for (auto& projection : projections_) {
    running_->spawn(projection->run(),
                    async::lasting_name(fmt::format("{}/{}", name_, projection->name())));
  }
  for (auto& [name, handler] : spec_->drops_) {
    drops_.push_back(std::make_unique<exchange::DropFolder>(
        *database_, name_ + "/drop/" + name, place_.folder / "drop" / name, handler));
    running_->spawn(drops_.back()->run(),
                    async::lasting_name(fmt::format("{}/drop/{}", name_, name)));
  }
  for (auto& consumer : consumers_)
    consuming_->spawn(consumer->run(), "consumer");
}

Task<void> ContextRunner::drain(Duration patience) {
  ready_ = false;
  if (!co_await portal_->drain(patience)) {
    log_.warn("calls of other threads were still in work at the end of the drain");
  }
  if (server_) co_await server_->drain(patience);
  co_await stop_consumers(patience);
  if (running_) {
    running_->cancel();
    try {
      co_await running_->join();
    } catch (const Error& error) {
      log_.error("ended with an error", {{"error", error.detail()}});
    }
  }
  co_await close();
}

Task<void> ContextRunner::stop_consumers(Duration patience) {
  if (!consuming_) co_return;
  for (auto& consumer : consumers_)
    consumer->stop();
  try {
    if (!co_await async::finish_within(*consuming_, patience)) {
      log_.warn("messages were still in work at the end of the drain; they will come again");
    }
  } catch (const Error& error) {
    log_.error("a consumer ended with an error", {{"error", error.detail()}});
  }
}

Task<void> ContextRunner::close() {
  server_.reset();
  consumers_.clear();
  message_metrics_.clear();
  projections_.clear();
  drops_.clear();
  relays_.clear();
  forgetting_.reset();
  sagas_.reset();
  requester_.reset();
  http_.reset();
  resolver_.reset();
  broker_.reset();
  if (database_) co_await database_->close();
  database_.reset();
}

void ContextRunner::wake() noexcept {
  for (auto& consumer : consumers_)
    consumer->wake();
  if (sagas_) sagas_->wake();
}

Health ContextRunner::health() const {
  Health health;
  if (!ready_) health.problems.push_back("not started, or draining");
  const auto database = database_ ? database_->status() : store::DatabaseStatus();
  if (!database.trouble.empty()) health.problems.push_back("database: " + database.trouble);
  health.ready = health.problems.empty();
  if (!database.refuses_writes.empty()) {
    health.problems.push_back("database: the last write did not fit: " + database.refuses_writes);
  }
  if (outbox_.full()) {
    health.problems.push_back("outbox: full, writers are refused until the broker takes messages");
  }
  for (const auto& relay : relays_) {
    const auto& status = relay->status();
    if (!status.last_error.empty()) health.problems.push_back("relay: " + status.last_error);
    if (status.blocked_keys > 0) {
      health.problems.push_back(
          fmt::format("relay: the broker does not take the messages of {} keys: a queue or topic "
                      "is missing or full",
                      status.blocked_keys));
    }
  }
  for (const auto& consumer : consumers_) {
    const auto& status = consumer->status();
    if (!status.last_error.empty()) {
      health.problems.push_back(consumer->settings().name + ": " + status.last_error);
    }
    if (status.paused) {
      health.problems.push_back(consumer->settings().name + ": paused, its backlog is full");
    }
  }
  if (requester_ && !requester_->status().last_error.empty()) {
    health.problems.push_back("answers: " + requester_->status().last_error);
  }
  for (const auto& projection : projections_) {
    for (std::string& problem : problems_of(*projection))
      health.problems.push_back(std::move(problem));
  }
  for (const auto& drop : drops_) {
    const auto& status = drop->status();
    if (!status.last_error.empty()) health.problems.push_back("drop folder: " + status.last_error);
  }
  return health;
}

std::map<std::string, messaging::ConsumerStatus> ContextRunner::consumers() const {
  std::map<std::string, messaging::ConsumerStatus> all;
  for (const auto& consumer : consumers_)
    all.emplace(consumer->settings().name, consumer->status());
  return all;
}

const InboxStatus* ContextRunner::inbox() const noexcept {
  return forgetting_ ? &forgetting_->status() : nullptr;
}

std::size_t ContextRunner::connections() const noexcept {
  return server_ ? server_->connections() : 0;
}

const messaging::RequesterStatus* ContextRunner::questions() const noexcept {
  return requester_ ? &requester_->status() : nullptr;
}

Task<Activity> ContextRunner::activity() {
  Activity activity;
  if (!open()) co_return activity;
  co_await database_->read([&](store::Transaction& tx) -> Task<void> {
    activity.outbox = co_await outbox_.size(tx);
    const auto backlog = co_await messaging::count_backlog(tx);
    activity.waiting = backlog.waiting;
    activity.blocked = backlog.blocked;
    activity.parked = backlog.parked;
    const auto sagas = co_await saga::count_instances(tx);
    activity.running_sagas = sagas.running;
    activity.stuck_sagas = sagas.stuck;
    const auto views = co_await store::views_at_work(tx, database_->event_log());
    activity.behind = views.behind;
    activity.stalled_views = views.stalled;
  });
  for (const auto& relay : relays_)
    activity.moved += static_cast<std::int64_t>(relay->status().published);
  for (const auto& consumer : consumers_) {
    activity.in_work += static_cast<std::int64_t>(consumer->status().in_work);
    activity.moved += static_cast<std::int64_t>(consumer->status().handled);
  }
  co_return activity;
}

}  // namespace sinew::context
