#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "adapters/sqlite/backend.hpp"
#include "examples/commerce/payment/payment.hpp"
#include "examples/commerce/program/interruption.hpp"
#include "examples/commerce/program/provider_process.hpp"
#include "examples/commerce/program/settings.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/context/host.hpp"

namespace commerce::program {

struct HostingOptions {
  std::filesystem::path folder;
  std::string name = "main";  // of the host, see context::HostSettings
  Settings settings;
};

// The five contexts in this process on the embedded default, and the sandbox payment provider in
// one of its own, unless another is configured. On the first worker.
class Hosting {
 public:
  Hosting(sinew::async::WorkerGroup& workers, HostingOptions options);

  // Everything or nothing. Errors: those of context::Host::start; conflict (a port is in use, and
  // by whom); unavailable (the provider does not start).
  sinew::Task<void> start();
  // The job, which starts this, until it ends or is interrupted; then finishes what is under way
  // and stops everything. Throws what the job throws.
  sinew::Task<void> serve(Interruption& interruption, sinew::Task<void> job);

  const sinew::context::Host& host() const noexcept { return *host_; }
  // Writes where the replay finds this system, and gives the file.
  std::filesystem::path write_target() const;

 private:
  sinew::Task<void> drain();
  void require_free_ports() const;
  void add_contexts();
  payment::PaymentSettings payment_settings() const;

  sinew::async::WorkerGroup& workers_;
  HostingOptions options_;
  sinew::sqlite::Backend backend_;
  ProviderProcess provider_;
  std::unique_ptr<sinew::context::Host> host_;
};

}  // namespace commerce::program
