// visits FOLDER: both contexts in one process, with their databases and the broker in FOLDER, until
// Ctrl+C.
#include <signal.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>

#include "adapters/sqlite/backend.hpp"
#include "sinew/async/signals.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/context/host.hpp"
#include "visits.hpp"

namespace {

using sinew::Task;

Task<void> serve(sinew::async::Reactor& reactor, std::filesystem::path folder) {
  sinew::async::SignalWatch signals(reactor, {SIGINT, SIGTERM});
  sinew::sqlite::Backend backend;
  sinew::context::Host host({.folder = std::move(folder)}, backend, {&reactor});
  host.add(std::make_unique<visits::Door>());
  host.add(std::make_unique<visits::Tally>());
  co_await host.start();
  for (const sinew::context::ContextRunner* context : host.contexts()) {
    std::printf("%s http://%s\n", context->name().c_str(), to_string(context->endpoint()).c_str());
  }
  std::puts("up until Ctrl+C");
  std::fflush(stdout);
  co_await signals.next();
  co_await host.drain();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: visits FOLDER\n", stderr);
    return 2;
  }
  try {
    sinew::async::WorkerGroup workers({.workers = 1});
    workers.run(
        [&](sinew::async::Reactor& reactor, std::size_t) { return serve(reactor, arguments[1]); });
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "visits: %s\n", error.what());
    return 1;
  }
}
