#include <fmt/format.h>
#include <csignal>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "adapters/sqlite/backend.hpp"
#include "examples/prices/price_service.hpp"
#include "examples/prices/shop.hpp"
#include "sinew/async/signals.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/context/host.hpp"

namespace {

using sinew::Task;

using MakeContext = std::function<std::unique_ptr<sinew::context::Context>()>;

// A host of one context, until Ctrl+C.
void serve(const std::filesystem::path& folder, std::uint16_t port, const MakeContext& make) {
  sinew::async::WorkerGroup workers({});
  sinew::async::SignalWatch signals(workers.reactor(0), {SIGINT, SIGTERM});
  workers.run([&](sinew::async::Reactor& reactor, std::size_t) -> Task<void> {
    sinew::sqlite::Backend backend;
    sinew::context::HostSettings settings;
    settings.folder = folder;
    settings.first_port = port;
    sinew::context::Host host(settings, backend, {&reactor});
    host.add(make());
    co_await host.start();
    const auto& context = *host.contexts().front();
    fmt::print("{} at http://{}\n", host.contexts().front()->name(), to_string(context.endpoint()));
    std::fflush(stdout);
    co_await signals.next();
    co_await host.drain();
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Prices: a shop that goes on while its price service is slow or away", "prices");
  program.require_subcommand(1);
  std::filesystem::path folder;
  std::filesystem::path config;
  std::uint16_t port = 0;
  std::string service;
  const auto add = [&](const char* name, const char* text) {
    auto* command = program.add_subcommand(name, text);
    command->add_option("--folder", folder, "Of this process")->required();
    command->add_option("--port", port, "0: a free one");
    return command;
  };
  auto* service_command = add("service", "The price service");
  auto* shop_command = add("shop", "The shop");
  shop_command->add_option("--service", service, "The URL of the price service")->required();
  shop_command->add_option("--config", config, "A YAML file: `prices:` with a pipeline's options");
  CLI11_PARSE(program, argc, argv);
  try {
    if (service_command->parsed()) {
      serve(folder, port, [] { return std::make_unique<prices::PriceService>(); });
    } else {
      const auto settings = config.empty() ? prices::ShopSettings{}
                                           : sinew::config::load<prices::ShopSettings>(config);
      serve(folder, port, [&] { return std::make_unique<prices::Shop>(service, settings); });
    }
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const sinew::Error*>(&error);
    fmt::print(stderr, "prices: {}\n", known != nullptr ? known->detail() : error.what());
    return 1;
  }
  return 0;
}
