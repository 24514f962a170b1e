// reminders lend|wait FOLDER: a library lends a book, sends itself a reminder for later, and offers
// another book to whoever asks within a second: nobody does. `lend` ends like a process that is
// killed, as soon as the broker has all that; `wait`, another process, is reminded, once and not
// too early, finds the offer among the dead letters, and calls into the reading room, a queue that
// is there while somebody reads.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "adapters/sqlite/backend.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/context/host.hpp"
#include "sinew/context/spec.hpp"
#include "sinew/messaging/dead_letter.hpp"

namespace {

using namespace std::chrono_literals;
using sinew::Task;
using sinew::event::Envelope;
using sinew::messaging::Answer;
using sinew::messaging::Confirm;
using sinew::messaging::DestinationKind;
using sinew::messaging::QueueSpec;
using sinew::store::Transaction;

constexpr auto loan_period = 3s;
constexpr auto patience = 60s;

struct Reminded {
  static constexpr sinew::event::EventType type{"library.remind.reply", 1};
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Reminded, (), (book))

struct Remind {
  static constexpr sinew::event::EventType type{"library.remind", 1};
  using Reply = Reminded;
  std::string book;
};
BOOST_DESCRIBE_STRUCT(Remind, (), (book))

constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "loans", R"sql(
CREATE TABLE loans (
  book TEXT NOT NULL PRIMARY KEY,
  lent_at BIGINT NOT NULL,
  reminded_at BIGINT,
  reminders BIGINT NOT NULL
);
)sql"}}};

class Library final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "library"; }
  void describe(sinew::context::ContextSpec& spec) override {
    spec.migrations(migrations).answers(&Library::remind);
  }

  // The loan and its reminder: both or none.
  Task<void> lend(std::string book) {
    co_await database().transaction([&](Transaction& tx) -> Task<void> {
      co_await tx.execute(
          "INSERT INTO loans (book, lent_at, reminders) VALUES (?, ?, 0) "
          "ON CONFLICT (book) DO UPDATE SET lent_at = excluded.lent_at, reminders = 0",
          {book, runtime().wall_now()});
      co_await send(tx, Remind{book}, book, {}, {.delay = loan_period});
    });
  }

  struct Loan {
    sinew::Timestamp lent_at{};
    sinew::Timestamp reminded_at{};
    std::int64_t reminders = 0;
  };
  Task<Loan> loan(std::string book) {
    const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
      co_return co_await tx.execute(
          "SELECT lent_at, COALESCE(reminded_at, 0), reminders FROM loans WHERE book = ?", {book});
    });
    co_return Loan{rows[0].timestamp(0), rows[0].timestamp(1), rows[0].integer(2)};
  }

 private:
  Task<Answer<Reminded>> remind(Transaction& tx, Remind command, const Envelope&) {
    co_await tx.execute(
        "UPDATE loans SET reminded_at = ?, reminders = reminders + 1 WHERE book = ?",
        {runtime().wall_now(), command.book});
    co_return Reminded{command.book};
  }
};

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

Envelope note(sinew::async::Runtime& runtime, std::string type, std::string book) {
  Envelope envelope;
  envelope.id = runtime.new_id();
  envelope.source = "/library";
  envelope.type = std::move(type);
  envelope.subject = std::move(book);
  envelope.time = runtime.wall_now();
  return envelope;
}

Task<void> offer(sinew::messaging::Broker& broker, sinew::async::Runtime& runtime) {
  QueueSpec offers{.name = "offers"};
  offers.ttl = 1s;
  offers.dead_letter = "offers.dead";
  co_await broker.declare({.queues = {QueueSpec{.name = "offers.dead"}, offers}, .topics = {}});
  const auto confirms = co_await broker.publish(
      {{{DestinationKind::queue, "offers"}, note(runtime, "library.offer", "Persuasion")}});
  expect(confirms.at(0) == Confirm::accepted, "the offer is accepted");
}

Task<void> find_dead_offer(sinew::messaging::Broker& broker) {
  const auto subscription =
      co_await broker.subscribe({.source = {DestinationKind::queue, "offers.dead"}, .group = {}});
  const auto signals = co_await subscription->receive(1);
  const auto& delivery = std::get<sinew::messaging::Delivery>(signals.at(0));
  const Envelope& letter = delivery.message.envelope;
  expect(letter.subject == "Persuasion", "the offer is a dead letter");
  expect(letter.extensions.at(sinew::messaging::dead_letter::reason) == "expired", "it expired");
  expect(letter.extensions.at(sinew::messaging::dead_letter::queue) == "offers", "among offers");
  co_await subscription->settle({{delivery.tag, sinew::messaging::Settlement::accepted}});
  co_await subscription->close();
}

// A call to whoever is in the room: with the last reader the queue goes, and what is called then
// reaches nobody.
Task<void> call_into_the_room(sinew::messaging::Broker& broker, sinew::async::Runtime& runtime) {
  const sinew::messaging::Destination room{DestinationKind::queue, "reading-room"};
  QueueSpec spec{.name = room.name};
  spec.life = sinew::messaging::QueueLife::auto_delete;
  co_await broker.declare({.queues = {spec}, .topics = {}});
  auto reader = co_await broker.subscribe({.source = room, .group = {}});
  const auto heard = co_await broker.publish({{room, note(runtime, "library.closing", "Emma")}});
  const auto signals = co_await reader->receive(1);
  const auto& delivery = std::get<sinew::messaging::Delivery>(signals.at(0));
  co_await reader->settle({{delivery.tag, sinew::messaging::Settlement::accepted}});
  co_await reader->close();
  reader.reset();
  const auto unheard = co_await broker.publish({{room, note(runtime, "library.closing", "Emma")}});
  expect(heard.at(0) == Confirm::accepted, "a reader is in the room");
  expect(unheard.at(0) == Confirm::unroutable, "the room goes with its last reader");
}

Task<void> lend(sinew::sqlite::Backend& backend, Library& library,
                sinew::context::ContextRunner& runner) {
  co_await offer(*backend.broker().connect(runner.runtime()), runner.runtime());
  co_await library.lend("Emma");
  while ((co_await runner.activity()).outbox > 0)
    co_await sinew::async::sleep_for(1ms);
  for (const auto& queue : backend.broker().statistics().queues) {
    if (queue.name == "library.commands") expect(queue.delayed == 1, "the reminder is delayed");
  }
  std::puts("Emma is lent; now the power fails");
  std::fflush(stdout);
  std::_Exit(0);
}

Task<void> wait(Library& library) {
  Library::Loan loan = co_await library.loan("Emma");
  for (auto waited = 0s; loan.reminders == 0 && waited < patience; waited += 1s) {
    co_await sinew::async::sleep_for(1s);
    loan = co_await library.loan("Emma");
  }
  expect(loan.reminders == 1, "there is one reminder");
  expect(loan.reminded_at - loan.lent_at >= loan_period, "it does not come too early");
  std::puts("reminded of Emma, once");
}

Task<void> run(sinew::async::Reactor& reactor, std::string what, std::filesystem::path folder) {
  sinew::sqlite::Backend backend;
  sinew::context::Host host({.folder = std::move(folder)}, backend, {&reactor});
  auto own = std::make_unique<Library>();
  Library& library = *own;
  host.add(std::move(own));
  co_await host.start();
  if (what == "lend") co_await lend(backend, library, *host.contexts().front());
  co_await wait(library);
  const auto port = backend.broker().connect(reactor);
  co_await find_dead_offer(*port);
  co_await call_into_the_room(*port, reactor);
  co_await host.drain();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count == 3 ? arguments[1] : "";
  if (what != "lend" && what != "wait") {
    std::fputs("usage: reminders lend|wait FOLDER\n", stderr);
    return 2;
  }
  try {
    if (what == "lend") std::filesystem::remove_all(arguments[2]);
    sinew::async::WorkerGroup workers({.workers = 1});
    workers.run([&](sinew::async::Reactor& reactor, std::size_t) {
      return run(reactor, what, arguments[2]);
    });
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reminders: %s\n", error.what());
    return 1;
  }
}
