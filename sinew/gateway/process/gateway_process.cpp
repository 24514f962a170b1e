#include "sinew/gateway/process/gateway_process.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sinew/async/clock.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/gateway/process/controller.hpp"
#include "sinew/proxy/process/privileges.hpp"

namespace sinew::gateway {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongConfiguration = 2;

void complain(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

// Those that come before there is anybody to take them wait; a pipe that nobody reads is an error
// of its writer.
void hold_signals() {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int signal : {SIGHUP, SIGUSR1, SIGINT, SIGTERM})
    ::sigaddset(&held, signal);
  ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int say_errors(const Candidate& candidate) {
  for (const auto& problem : candidate.warnings)
    complain(to_string(problem) + " (warning)");
  for (const auto& problem : candidate.errors)
    complain(to_string(problem));
  const auto left = candidate.error_count - candidate.errors.size();
  if (left > 0) complain(fmt::format("and {} more", left));
  complain(fmt::format("{}: {} errors", candidate.source, candidate.error_count));
  return kWrongConfiguration;
}

std::size_t workers_of(const ProcessSettings& process) {
  const int given = process.nginx_worker_processes.count;
  const long cores = std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L);
  constexpr auto kMost = async::WorkerGroup::max_workers - 1;
  return std::min(static_cast<std::size_t>(given > 0 ? given : cores), kMost);
}

async::WorkerGroup::Options group_options(const ProcessSettings& process) {
  async::WorkerGroup::Options options;
  options.workers = workers_of(process) + 1;  // the controller's is the first
  options.on_stall = [](const async::Stall& stall) {
    log::warn(
        "a worker stalls",
        {{"handler", stall.handler},
         {"worker", stall.worker},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(stall.duration).count()}});
  };
  return options;
}

int serve(const GatewayOptions& options, SnapshotCompiler& compiler, Candidate first,
          proxy::ServiceNotify& manager) {
  const ProcessSettings process = first.process.value();
  proxy::AddressLocks locks(run_folder_of(options, ::geteuid()));
  async::WorkerGroup group(group_options(process));
  Controller controller(group, options, process, compiler, locks, manager);
  group.run([&](async::Reactor&, std::size_t index) -> Task<void> {
    // The others serve what the controller has them do, until it has ended.
    if (index == 0) co_await controller.run(std::move(first));
  });
  return kDone;
}

}  // namespace

int run_gateway(const GatewayOptions& options) {
  hold_signals();
  proxy::ServiceNotify manager(options.notify_socket);
  try {
    const auto privileges =
        proxy::drop_privileges(user_of(options, peek_at_process(options.sources)));
    const auto files = proxy::raise_file_limit();
    SnapshotCompiler compiler;
    auto first = read_candidate(options.sources, compiler, async::wall_clock_now());
    if (first.error_count > 0) return say_errors(first);
    open_process_log(options, *first.process);
    log::info("the gateway starts", {{"user", privileges.user},
                                     {"low_ports", privileges.low_ports},
                                     {"open_files", files.now}});
    return serve(options, compiler, std::move(first), manager);
  } catch (const Error& error) {
    log::root().flush();
    complain(fmt::format("sinew-proxy: {}", error.detail()));
    return kFailed;
  }
}

}  // namespace sinew::gateway
