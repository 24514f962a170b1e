// seats FOLDER: sells the seat A1 twice and B2 once, and says what happened.
//
// ann holds A1 while her card is declined; bob, who wants the same seat, waits in the hall's stash
// and gets it. eve's bank answers nothing; the next version of the program takes her purchase over
// and finishes it.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>

#include "adapters/sqlite/backend.hpp"
#include "examples/seats/contexts.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/context/host.hpp"
#include "sinew/context/operations.hpp"

namespace seats {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

void expect(bool holds, std::string_view what) {
  if (!holds) throw std::runtime_error("not so: " + std::string(what));
  fmt::print("{}\n", what);
}

// Polls until a context says what is expected.
Task<void> wait_for(std::function<Task<std::string>()> question, std::string answer,
                    std::string_view what) {
  for (auto waited = 0ms; waited < patience; waited += 10ms) {
    if (co_await question() == answer) {
      expect(true, what);
      co_return;
    }
    co_await sinew::async::sleep_for(10ms);
  }
  expect(co_await question() == answer, what);
}

// The program in a version, on the folder.
struct Program {
  Program(sinew::async::Reactor& reactor, const std::filesystem::path& folder, std::int32_t version)
      : host({.folder = folder}, backend, {&reactor}) {
    auto hall_context = std::make_unique<Hall>();
    auto office_context = std::make_unique<Office>(version);
    hall = hall_context.get();
    office = office_context.get();
    host.add(std::move(hall_context));
    host.add(std::make_unique<Bank>(version > 1));
    host.add(std::move(office_context));
  }

  sinew::sqlite::Backend backend;
  sinew::context::Host host;
  Hall* hall = nullptr;
  Office* office = nullptr;
};

Task<void> sell_a_seat_twice(Program& program) {
  Hall& hall = *program.hall;
  Office& office = *program.office;
  co_await office.buy("A1", "ann", "declined");
  co_await wait_for([&] { return hall.holder_of("A1"); }, "ann, 0 waiting", "ann holds A1");
  co_await office.buy("A1", "bob", "good");
  co_await wait_for([&] { return hall.holder_of("A1"); }, "ann, 1 waiting", "bob waits for A1");
  co_await wait_for([&] { return office.status_of("ann"); }, "compensated", "ann cannot pay");
  co_await wait_for([&] { return office.status_of("bob"); }, "completed", "bob has paid");
  expect(co_await hall.buyer_of("A1") == "bob", "A1 is bob's");
  expect((co_await hall.holder_of("A1")).empty(), "A1 is locked no more");
}

// What `sinew saga VERB` does on a stopped folder.
Task<void> ask_of_stopped(sinew::async::Reactor& reactor, std::filesystem::path folder,
                          std::string operation, sinew::Json arguments) {
  sinew::sqlite::Backend backend;
  const auto database = co_await backend.open_database(reactor, folder / "office");
  co_await sinew::context::operate(reactor, *database, operation, "operator", arguments);
  co_await database->close();
}

Task<void> start_in_vain(Program& program) {
  std::string refusal;
  try {
    co_await program.host.start();
  } catch (const sinew::Error& error) {
    refusal = error.detail();
  }
  expect(refusal.find("sinew saga migrate --definition buy-seat --to 2") != std::string::npos,
         "version 2 does not start over a purchase of version 1, and says what to do");
}

Task<void> run(sinew::async::Reactor& reactor, std::filesystem::path folder) {
  {
    Program first(reactor, folder, 1);
    co_await first.host.start();
    co_await sell_a_seat_twice(first);
    co_await first.office->buy("B2", "eve", "silent");
    co_await wait_for([&] { return first.office->status_of("eve"); }, "suspended",
                      "eve's purchase is suspended: the bank is silent");
    co_await first.host.drain();
  }
  {
    Program second(reactor, folder, 2);
    co_await start_in_vain(second);
  }
  co_await ask_of_stopped(
      reactor, folder, "saga.migrate",
      sinew::Json(sinew::JsonObject{{"definition", "buy-seat"}, {"to", 2}, {"all", true}}));
  co_await ask_of_stopped(reactor, folder, "saga.retry",
                          sinew::Json(sinew::JsonObject{{"id", "eve"}}));
  Program second(reactor, folder, 2);
  co_await second.host.start();
  co_await wait_for([&] { return second.office->status_of("eve"); }, "completed",
                    "version 2 has taken eve's purchase over and finished it");
  expect(co_await second.hall->buyer_of("B2") == "eve", "B2 is eve's");
  co_await second.host.drain();
}

}  // namespace
}  // namespace seats

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: seats FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = arguments[1];
  std::filesystem::remove_all(folder);
  sinew::log::root().set_level(sinew::log::Level::off);
  std::exception_ptr failure;
  sinew::async::WorkerGroup workers({});
  workers.run([&](sinew::async::Reactor& reactor, std::size_t worker) -> sinew::Task<void> {
    if (worker != 0) co_return;
    try {
      co_await seats::run(reactor, folder);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const sinew::Error*>(&error);
    fmt::print(stderr, "seats: {}\n", known != nullptr ? known->detail() : error.what());
    return 1;
  }
  return 0;
}
