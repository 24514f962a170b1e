#include "examples/commerce/program/hosting.hpp"

#include <fmt/format.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "examples/commerce/encodings/encodings.hpp"
#include "examples/commerce/fulfillment/fulfillment.hpp"
#include "examples/commerce/inventory/inventory.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/reporting/reporting.hpp"
#include "examples/commerce/sales/sales.hpp"
#include "sinew/async/port_holders.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace commerce::program {

using sinew::Condition;
using sinew::Error;
using sinew::Task;

Hosting::Hosting(sinew::async::WorkerGroup& workers, HostingOptions options)
    : workers_(workers),
      options_(std::move(options)),
      provider_(workers.reactor(0), options_.folder) {
  std::vector<sinew::async::Runtime*> runtimes;
  for (std::size_t i = 0; i < workers.size(); ++i)
    runtimes.push_back(&workers.reactor(i));
  sinew::context::HostSettings settings;
  settings.name = options_.name;
  settings.folder = options_.folder;
  settings.first_port = options_.settings.port;
  settings.operator_port = options_.settings.operator_port;
  settings.drain = options_.settings.drain;
  settings.contexts = options_.settings.contexts;
  settings.contexts.codecs = event_codecs();
  auto& master_key = settings.contexts.personal_data.master_key;
  if (!master_key) master_key = own_master_key(options_.folder, workers.reactor(0));
  host_ =
      std::make_unique<sinew::context::Host>(std::move(settings), backend_, std::move(runtimes));
}

Task<void> Hosting::start() {
  require_free_ports();
  if (!options_.settings.payment_provider.url) co_await provider_.start();
  add_contexts();
  co_await host_->start();
}

// Listening would find out as well, but not who is in the way.
void Hosting::require_free_ports() const {
  if (options_.settings.port == 0) return;
  for (std::size_t i = 0; i < std::size(context_names); ++i) {
    const auto port = static_cast<std::uint16_t>(options_.settings.port + i);
    const auto holders = sinew::async::port_holders({"0.0.0.0", port});
    if (!holders.empty()) {
      throw Error(Condition::conflict,
                  fmt::format("port {}, for {}, is in use by {}: stop it, or choose other ports "
                              "with --port (0: free ones)",
                              port, context_names[i], to_string(holders.front())));
    }
  }
}

// In the order of context_names, which is that of their ports.
void Hosting::add_contexts() {
  auto& runtime = workers_.reactor(0);
  host_->add(std::make_unique<sales::Sales>());
  host_->add(std::make_unique<inventory::Inventory>());
  host_->add(std::make_unique<payment::Payment>(payment_settings()));
  host_->add(std::make_unique<fulfillment::Fulfillment>(fulfillment::FulfillmentSettings{
      .carrier_secret = secret_in(carrier_secret_file(options_.folder), runtime)}));
  host_->add(std::make_unique<reporting::Reporting>());
}

Task<void> Hosting::serve(Interruption& interruption, Task<void> job) {
  std::exception_ptr failure;
  try {
    co_await interruption.guard(std::move(job));
  } catch (...) {
    failure = std::current_exception();
  }
  co_await drain();
  if (failure) std::rethrow_exception(failure);
}

payment::PaymentSettings Hosting::payment_settings() const {
  const auto& [url, api_key, policy] = options_.settings.payment_provider;
  return {.provider_url = url.value_or(provider_.url()),
          .api_key = api_key.value_or(provider_.api_key()),
          .policy = policy};
}

Task<void> Hosting::drain() {
  try {
    co_await host_->drain();
  } catch (const Error& error) {
    sinew::log::error("the contexts did not stop in order", {{"error", error.detail()}});
  }
  co_await provider_.stop();
}

std::filesystem::path Hosting::write_target() const {
  const auto file = options_.folder / "hosts" / "replay-target";
  std::ofstream stream(file, std::ios::trunc);
  stream << sinew::to_pretty_text(sinew::to_json(target_of(options_.folder)));
  stream.close();
  if (!stream) {
    throw Error(Condition::exhausted, fmt::format("{} cannot be written", file.string()));
  }
  return file;
}

}  // namespace commerce::program
