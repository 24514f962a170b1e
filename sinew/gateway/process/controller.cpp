#include "sinew/gateway/process/controller.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "sinew/async/clock.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/gateway/compile/listeners.hpp"
#include "sinew/net/dns_resolver.hpp"

namespace sinew::gateway {
namespace {

constexpr Duration kLastAnswers = std::chrono::seconds(1);  // of the admin listener
constexpr Duration kTicketKeyLife = std::chrono::hours(1);
// For the lines that are in buffers when the process is told twice to end.
constexpr Duration kLastFlush = std::chrono::milliseconds(200);

std::string listed(const ProcessSettings& process) {
  std::string out;
  for (const auto& listen : process.proxy_listen.entries) {
    out += fmt::format("{}{}{}", out.empty() ? "" : ", ", listen.address.text,
                       listen.ssl ? " (TLS)" : "");
  }
  return out.empty() ? "nothing" : out;
}

std::chrono::microseconds boot_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      async::monotonic_now().time_since_epoch());
}

proxy::ReloadResult result_of(const ReloadReport& report) {
  using Outcome = proxy::ReloadResult::Outcome;
  Outcome outcome = Outcome::replaced;
  if (report.outcome == ReloadOutcome::refused) outcome = Outcome::refused;
  if (report.outcome == ReloadOutcome::unchanged) outcome = Outcome::unchanged;
  return {.outcome = outcome,
          .version = report.version,
          .took = report.took,
          .errors = report.errors,
          .error_count = report.error_count,
          .warnings = report.warnings};
}

}  // namespace

Controller::Controller(async::WorkerGroup& group, const GatewayOptions& options,
                       const ProcessSettings& process, SnapshotCompiler& compiler,
                       proxy::AddressLocks& locks, proxy::ServiceNotify& manager)
    : group_(group),
      options_(options),
      compiler_(compiler),
      manager_(manager),
      runtime_(group.reactor(0)),
      signals_(runtime_, {SIGHUP, SIGUSR1, SIGINT, SIGTERM}),
      resolver_(std::make_unique<net::DnsResolver>(
          net::DnsOptions{.servers = process.dns_resolver.value_or("")})),
      directory_(runtime_, *resolver_),
      access_log_(access_log_of(options, process), group.size() - 1),
      metrics_(group.size() - 1),
      observers_(access_log_, metrics_, group.size() - 1),
      deployment_(
          group, directory_, locks,
          [this](std::size_t worker) -> proxy::ExchangeObserver& { return observers_.of(worker); }),
      reloader_(runtime_, options.sources, compiler, deployment_) {}

Task<void> Controller::run(Candidate first) {
  start_admin(*first.process);
  std::exception_ptr failure;
  try {
    co_await reloader_.start(std::move(first));
    co_await serve();
  } catch (...) {
    failure = std::current_exception();
  }
  if (admin_) co_await admin_->drain(kLastAnswers);
  if (failure) std::rethrow_exception(failure);
}

Task<void> Controller::serve() {
  async::Scope others(co_await async::this_context());
  others.spawn(reloader_.run(), "reloads");
  others.spawn(directory_.run(), "clusters");
  others.spawn(rotate_tickets(), "ticket keys");
  if (options_.watch_files) {
    watch(reloader_.files());
    reloader_.on_files([this](const auto& files) { watch(files); });
    others.spawn(follow_files(), "files");
  }
  others.spawn(take_signals(), "signals");
  say_ready();
  co_await stopping_.wait();
  manager_.stopping("drains");
  manager_.extend_timeout(std::chrono::duration_cast<std::chrono::microseconds>(
      options_.drain_announce + options_.drain_timeout + std::chrono::seconds(5)));
  log::info("the gateway drains");
  co_await deployment_.drain(options_.drain_announce, options_.drain_timeout);
  others.cancel();
  co_await others.join();
  log::info("the gateway has ended");
}

// First of all: whoever asks learns that the gateway starts, and an address in use is known before
// any client is served.
void Controller::start_admin(const ProcessSettings& process) {
  proxy::AdminSettings settings{.addresses = {}, .allow_remote = options_.allow_remote_admin};
  for (const auto& listen : process.admin_listen.entries)
    settings.addresses.push_back(endpoint_of(listen.address));
  if (settings.addresses.empty()) return;
  proxy::AdminParts parts;
  parts.state = [this] { return state(); };
  parts.readiness = [this] { return readiness(); };
  parts.reload = [this] { return reload(); };
  parts.last_reload = [this] {
    return proxy::LastReload{result_of(reloader_.last()), reloader_.last().cause,
                             reloader_.last().at};
  };
  parts.drain = [this] { stopping_.set(); };
  parts.metrics = &metrics_;
  parts.access_log = &access_log_;
  admin_.emplace(runtime_, std::move(settings), std::move(parts));
  admin_->start();
}

proxy::Readiness Controller::readiness() {
  proxy::Readiness out;
  const auto* engine = deployment_.engine();
  if (stopping_.is_set()) {
    out.reasons.emplace_back("the gateway drains");
  } else if (engine == nullptr || !engine->listening()) {
    out.reasons.emplace_back("the gateway starts");
  }
  return out;
}

Task<proxy::ProxyState> Controller::state() {
  auto* engine = deployment_.engine();
  if (engine == nullptr) throw Error(Condition::unavailable, "the gateway starts");
  proxy::ProxyState out;
  out.now = runtime_.now();
  out.snapshot = engine->snapshot();
  out.workers = engine->counts();
  out.clusters = co_await engine->cluster_counts();
  out.log = access_log_.counts();
  out.reloads = reloader_.replaced();
  out.failed_reloads = reloader_.refused();
  co_return out;
}

Task<proxy::ReloadResult> Controller::reload() {
  co_return result_of(co_await reloader_.reload("call"));
}

void Controller::say_ready() {
  const auto line = fmt::format("listening on {}; {} workers, version {} of {}",
                                listed(reloader_.process()), group_.size() - 1,
                                reloader_.last().version, deployment_.engine()->snapshot()->source);
  std::fprintf(stdout, "%s\n", line.c_str());
  std::fflush(stdout);
  manager_.ready(line);
}

Task<void> Controller::take_signals() {
  while (true)
    act_on(co_await signals_.next());
}

void Controller::act_on(int signal) {
  if (signal == SIGUSR1) {
    reopen_logs();
  } else if (signal == SIGHUP) {
    manager_.reloading(boot_micros());
    reloader_.request("signal");
  } else if (!stopping_.is_set()) {
    stopping_.set();
  } else {
    access_log_.flush(kLastFlush);
    log::warn("the gateway ends at once");
    log::root().flush();
    ::_exit(0);
  }
}

void Controller::reopen_logs() {
  access_log_.reopen();
  try {
    open_process_log(options_, reloader_.process());
  } catch (const Error& error) {
    log::error("the log cannot be opened again", {{"error", error.detail()}});
  }
}

// What changed between the reading of a new file and its being watched is found by reading again.
void Controller::watch(const std::vector<std::string>& files) {
  const std::vector<std::filesystem::path> paths(files.begin(), files.end());
  if (watch_) {
    watch_->watch(paths);
  } else {
    watch_.emplace(runtime_, paths);
  }
  reloader_.request(std::string(kFilesCause));
}

Task<void> Controller::follow_files() {
  while (true) {
    co_await watch_->next();
    reloader_.request(std::string(kFilesCause));
  }
}

Task<void> Controller::rotate_tickets() {
  while (true) {
    co_await async::sleep_for(kTicketKeyLife);
    compiler_.rotate_tickets();
  }
}

}  // namespace sinew::gateway
