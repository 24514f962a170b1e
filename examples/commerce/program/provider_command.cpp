#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <functional>

#include "adapters/sqlite/database.hpp"
#include "examples/commerce/program/commands.hpp"
#include "examples/commerce/program/interruption.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/program/work.hpp"
#include "examples/commerce/sandbox/provider.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/server.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::async::Reactor;

constexpr auto drain_patience = std::chrono::seconds(2);
constexpr auto lock_patience = std::chrono::seconds(5);
constexpr auto lock_pause = std::chrono::milliseconds(20);

// One that was killed with its parent holds its lock for a moment longer.
Task<std::unique_ptr<sinew::sqlite::Database>> open_ledger(Reactor& reactor, std::string path) {
  const auto until = reactor.now() + lock_patience;
  sinew::sqlite::Settings settings;
  settings.path = std::move(path);
  for (;;) {
    try {
      co_return co_await sinew::sqlite::Database::open(reactor, settings);
    } catch (const Error& error) {
      if (error.condition() != Condition::conflict || reactor.now() > until) throw;
    }
    co_await sinew::async::sleep_for(lock_pause);
  }
}

Task<int> provide(Reactor& reactor, const ProviderOptions& options, Interruption& interruption) {
  auto database = co_await open_ledger(reactor, provider_database(options.folder).string());
  co_await database->migrate(sandbox::ledger_migrations());
  sandbox::Provider provider(reactor, *database,
                             secret_in(provider_key_file(options.folder), reactor));
  sinew::http::Server server(reactor, provider.routes());
  server.start({"127.0.0.1", options.port});
  fmt::print("http://{}\n", to_string(server.local()));
  std::fflush(stdout);
  co_await interruption.guard(Interruption::wait());
  co_await server.drain(drain_patience);
  co_await database->close();
  co_return exit_done;
}

}  // namespace

int provide_payments(ProviderOptions options) {
  create_layout(options.folder);
  sinew::async::WorkerGroup workers({.workers = 1});
  Interruption interruption(workers.reactor(0));
  return work<int>(workers,
                   [&](Reactor& reactor) { return provide(reactor, options, interruption); });
}

}  // namespace commerce::program
