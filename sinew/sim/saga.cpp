#include "sinew/sim/saga.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "adapters/sqlite/database.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/backlog.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/sim/failure.hpp"
#include "sinew/sim/rows.hpp"
#include "sinew/sim/temporary_folder.hpp"
#include "sinew/store/inbox.hpp"
#include "sinew/store/schema.hpp"

namespace sinew::sim {

using saga::HistoryEntry;
using saga::Instance;
using store::Transaction;

namespace {

constexpr auto reply_consumer = "replies";
constexpr std::size_t commands_read = 100;
// What the orchestrator needs to notice a verb or a timer that is due.
constexpr auto moment = std::chrono::milliseconds(500);

// A reply as a consumer hands it over: its mark and its effect are one transaction.
class Received final : public messaging::Handling {
 public:
  Received(store::Database& database, const event::Envelope& reply)
      : database_(database), reply_(reply) {}
  const event::Envelope& message() const noexcept override { return reply_; }
  std::int32_t attempt() const noexcept override { return 1; }

 private:
  Task<bool> commit_body(Body& body) override {
    co_return co_await database_.transaction([&](Transaction& tx) -> Task<bool> {
      if (!co_await store::Inbox::mark(tx, reply_consumer, reply_.source, reply_.id)) {
        co_return false;
      }
      co_await body.run(tx);
      co_return true;
    });
  }

  store::Database& database_;
  const event::Envelope& reply_;
};

Task<void> hand_over(saga::Orchestrator& orchestrator, store::Database& database,
                     event::Envelope reply) {
  Received received(database, reply);
  co_await orchestrator.handle(received);
}

Task<void> migrate(store::Database& database, std::span<const store::Migration> own) {
  co_await database.migrate(store::store_migrations());
  co_await database.migrate(messaging::messaging_migrations());
  co_await database.migrate(saga::saga_migrations());
  co_await database.migrate({"test", own});
}

std::string line_of(const HistoryEntry& entry) {
  std::string line = entry.step;
  for (const std::string& part : {entry.what, entry.detail}) {
    if (!part.empty()) line += (line.empty() ? "" : " ") + part;
  }
  return line;
}

}  // namespace

// The orchestrator of one context and what was seen of its saga.
struct SagaTest::Process {
  Process(saga::Definition definition_, Json data_, const SagaOptions& options_)
      : world(options_.seed),
        definition(std::move(definition_)),
        data(std::move(data_)),
        options(options_) {
    saga::validate(definition);
    start();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { crash(); }

  void start() {
    node = &world.add_node("context");
    sqlite::Settings settings;
    settings.path = folder.file("context.db");
    settings.simulate(world.seed());
    database = node->run(sqlite::Database::open(*node, settings));
    node->run(migrate(*database, options.migrations));
    orchestrator = std::make_unique<saga::Orchestrator>(*node, *database, outbox,
                                                        saga::Address{"/context", "replies"});
    orchestrator->add(definition);
    running = std::make_unique<async::Scope>(*node, "sagas");
    running->spawn(orchestrator->run());
  }
  void crash() {
    node->crash();
    running.reset();
    orchestrator.reset();
    database.reset();
  }

  template <class Body>
  auto write(Body body) {
    return node->run(database->transaction(std::move(body)));
  }
  template <class Body>
  auto read(Body body) {
    return node->run(database->read(std::move(body)));
  }
  void deliver(const event::Envelope& message) {
    node->run(hand_over(*orchestrator, *database, message));
  }

  std::vector<store::OutboxEntry> commands_after(std::int64_t after) {
    auto found = read([&](Transaction& tx) -> Task<std::vector<store::OutboxEntry>> {
      std::vector<store::OutboxEntry> all;
      for (std::int32_t i = 0; i < store::Outbox::partitions; ++i) {
        for (auto& entry : co_await outbox.read(tx, i, 0, commands_read)) {
          if (entry.position > after) all.push_back(std::move(entry));
        }
      }
      co_return all;
    });
    std::ranges::sort(found, {}, &store::OutboxEntry::position);
    return found;
  }
  std::vector<HistoryEntry> read_history() {
    return read([&](Transaction& tx) -> Task<std::vector<HistoryEntry>> {
      co_return co_await saga::history(tx, definition.name, options.id);
    });
  }
  std::optional<Instance> instance() {
    return read([&](Transaction& tx) -> Task<std::optional<Instance>> {
      co_return co_await saga::find_instance(tx, definition.name, options.id);
    });
  }

  async::sim::World world;
  TemporaryFolder folder;
  saga::Definition definition;
  Json data;
  SagaOptions options;
  store::Outbox outbox;
  async::sim::Node* node = nullptr;
  std::unique_ptr<sqlite::Database> database;
  std::unique_ptr<saga::Orchestrator> orchestrator;
  std::unique_ptr<async::Scope> running;

  std::int64_t position = 0;              // of the last command seen
  std::vector<event::Envelope> commands;  // since the last when
  std::vector<event::Envelope> earlier;   // before
  std::size_t entries = 0;                // of the history, before the last when
  std::vector<HistoryEntry> news;         // since
  std::optional<event::Envelope> reply;   // the last
};

SagaTest::SagaTest(saga::Definition definition, Json data, const SagaOptions& options)
    : process_(std::make_unique<Process>(std::move(definition), std::move(data), options)) {}

SagaTest::~SagaTest() = default;

// What has happened since the last look.
void SagaTest::look() {
  Process& process = *process_;
  for (auto& command : process.commands)
    process.earlier.push_back(std::move(command));
  process.commands.clear();
  for (auto& entry : process.commands_after(process.position)) {
    process.position = entry.position;
    process.commands.push_back(std::move(entry.envelope));
  }
  process.news = process.read_history();
  const auto known = static_cast<std::ptrdiff_t>(process.entries);
  process.news.erase(process.news.begin(), process.news.begin() + known);
  process.entries += process.news.size();
}

SagaTest& SagaTest::when_started() {
  Process& process = *process_;
  process.write([&](Transaction& tx) -> Task<void> {
    event::Lineage lineage;
    lineage.correlation_id = process.node->new_id();
    co_await process.orchestrator->start(tx, process.definition.name, process.options.id,
                                         process.data, lineage);
  });
  look();
  return *this;
}

SagaTest& SagaTest::when_rejected(std::string code, std::string detail, const Where& where) {
  return answer({std::nullopt, messaging::Rejection{std::move(code), std::move(detail)}}, where);
}

SagaTest& SagaTest::answer(const messaging::ReplyData& data, const Where& where) {
  Process& process = *process_;
  const auto& sent = process.commands.empty() ? process.earlier : process.commands;
  if (sent.empty()) fail("the saga has sent no command to answer", where);
  event::Envelope header;
  header.id = process.node->new_id();
  header.source = "/participant";
  process.reply = messaging::make_reply(sent.back(), data, std::move(header));
  process.deliver(*process.reply);
  look();
  return *this;
}

SagaTest& SagaTest::twice() {
  if (!process_->reply) throw Failure("there is no reply that could come twice");
  process_->deliver(*process_->reply);
  process_->deliver(*process_->reply);
  const auto commands = process_->commands.size();
  const auto again = process_->commands_after(process_->position);
  if (!again.empty())
    throw Failure(
        fmt::format("the same reply a second time had the saga send {} more than the {} "
                    "commands before",
                    again.size(), commands));
  return *this;
}

SagaTest& SagaTest::when_timed_out(const Where& where) {
  Process& process = *process_;
  const auto instance = process.instance();
  if (!instance || !instance->wake_at) fail("the saga waits for no time to pass", where);
  const Duration left = *instance->wake_at - process.node->wall_now();
  process.world.run_for(std::max(left, Duration::zero()) + moment);
  look();
  return *this;
}

SagaTest& SagaTest::when_operated(saga::Verb verb, Json argument) {
  Process& process = *process_;
  process.write([&](Transaction& tx) -> Task<void> {
    saga::VerbRequest request;
    request.id = process.node->new_id();
    request.target = {process.definition.name, process.options.id};
    request.verb = verb;
    request.argument = argument;
    request.actor = "test";
    request.requested_at = process.node->wall_now();
    co_await saga::request_verb(tx, request);
  });
  process.orchestrator->wake();
  process.world.run_for(moment);
  look();
  return *this;
}

SagaTest& SagaTest::crash_and_restart() {
  process_->crash();
  process_->start();
  return *this;
}

SagaTest& SagaTest::then_asks(const Payload& command, const Where& where) {
  std::vector<Payload> found;
  for (const auto& envelope : process_->commands)
    found.emplace_back(envelope);
  try {
    expect_equal("command", {command}, found, where);
  } catch (const Failure& failure) {
    throw Failure(failure.what() + happened());
  }
  return *this;
}

SagaTest& SagaTest::then_asks_again(const Where& where) {
  if (process_->earlier.empty()) fail("the saga has sent nothing before", where);
  const event::Envelope& before = process_->earlier.back();
  then_asks(Payload(before), where);
  const auto key_of = [](const event::Envelope& command) {
    return command.extensions.at("idempotencykey");
  };
  if (key_of(before) != key_of(process_->commands.back()))
    fail("the command came again under another idempotency key", where);
  return *this;
}

SagaTest& SagaTest::then_asks_nothing(const Where& where) {
  if (process_->commands.empty()) return *this;
  fail("no command was expected, found " + to_text(Payload(process_->commands.front())), where);
}

std::string SagaTest::happened() const {
  std::string text = "\n  its history since:";
  for (const HistoryEntry& entry : process_->news)
    text += "\n    " + line_of(entry);
  return text;
}

bool SagaTest::found_step(std::string_view step, std::string_view what,
                          std::string_view detail) const {
  return std::ranges::any_of(process_->news, [&](const HistoryEntry& entry) {
    return entry.step == step && entry.what == what &&
           entry.detail.find(detail) != std::string::npos;
  });
}

SagaTest& SagaTest::then_runs(std::string_view step, const Where& where) {
  if (!found_step(step, "done", "")) fail(fmt::format("{} was not run{}", step, happened()), where);
  return *this;
}

SagaTest& SagaTest::then_fails(std::string_view step, std::string_view says, const Where& where) {
  if (!found_step(step, "failed", says))
    fail(fmt::format("{} did not fail{}{}", step, says.empty() ? "" : " with ", says) + happened(),
         where);
  return *this;
}

SagaTest& SagaTest::then(saga::Status status, const Where& where) {
  const Instance found = instance();
  if (found.status != status)
    fail(fmt::format("expected the saga to be {}, it is {}{}{}{}", to_string(status),
                     to_string(found.status), found.error.empty() ? "" : ": ", found.error,
                     happened()),
         where);
  return *this;
}

SagaTest& SagaTest::expect_data(const Json& data, const Where& where) {
  expect_equal("the saga's data", data, instance().data, where);
  return *this;
}

SagaTest& SagaTest::then_rows(std::string_view sql,
                              std::initializer_list<std::initializer_list<Json>> rows,
                              const Where& where) {
  expect_equal(sql, rows_of(rows), Json(process_->node->run(read_rows(*process_->database, sql))),
               where);
  return *this;
}

saga::Instance SagaTest::instance() {
  auto found = process_->instance();
  if (!found) throw Failure("the saga was not started: call when_started()");
  return *std::move(found);
}

std::vector<std::string> SagaTest::history() {
  std::vector<std::string> lines;
  for (const HistoryEntry& entry : process_->read_history())
    lines.push_back(line_of(entry));
  return lines;
}

}  // namespace sinew::sim
