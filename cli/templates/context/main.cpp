// newcontext [FOLDER] [PORT]: the context with its database and the broker in FOLDER, until Ctrl+C.
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "adapters/sqlite/backend.hpp"
#include "newcontext.hpp"
#include "sinew/async/signals.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/context/host.hpp"

namespace {

using sinew::Task;

constexpr std::uint16_t usual_port = 8080;

// 0: a free one.
std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

Task<void> serve(sinew::async::Reactor& reactor, std::filesystem::path folder, std::uint16_t port) {
  sinew::async::SignalWatch signals(reactor, {SIGINT, SIGTERM});
  sinew::sqlite::Backend backend;
  sinew::context::HostSettings settings;
  settings.folder = std::move(folder);
  settings.first_port = port;
  sinew::context::Host host(std::move(settings), backend, {&reactor});
  host.add(std::make_unique<newcontext::Newcontext>());
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
  const std::filesystem::path folder = count > 1 ? arguments[1] : "newcontext-data";
  const std::optional<std::uint16_t> port = count > 2 ? port_of(arguments[2]) : usual_port;
  if (count > 3 || !port) {
    std::fputs("usage: newcontext [FOLDER] [PORT]\n", stderr);
    return 2;
  }
  try {
    sinew::async::WorkerGroup workers({.workers = 1});
    workers.run(
        [&](sinew::async::Reactor& reactor, std::size_t) { return serve(reactor, folder, *port); });
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "newcontext: %s\n", error.what());
    return 1;
  }
}
