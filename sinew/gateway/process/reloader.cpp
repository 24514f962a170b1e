#include "sinew/gateway/process/reloader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "sinew/async/offload.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::gateway {
namespace {

std::vector<std::string> texts_of(const std::vector<config::Problem>& problems) {
  std::vector<std::string> out;
  out.reserve(problems.size());
  for (const auto& problem : problems)
    out.push_back(to_string(problem));
  return out;
}

void refuse(ReloadReport& report, std::vector<std::string> errors) {
  report.outcome = ReloadOutcome::refused;
  report.error_count = errors.size();
  report.errors = std::move(errors);
}

void write_to_log(const ReloadReport& report) {
  for (const auto& warning : report.warnings)
    log::warn(warning);
  for (const auto& error : report.errors)
    log::error(error);
  const auto milliseconds = report.took / std::chrono::milliseconds(1);
  if (report.outcome == ReloadOutcome::refused) {
    return log::error(
        "the new configuration is refused, the one before stays in use",
        {{"cause", report.cause}, {"errors", report.error_count}, {"version", report.version}});
  }
  const bool same = report.outcome == ReloadOutcome::unchanged;
  if (same && report.cause == kFilesCause) return;  // touched, or changed and changed back
  log::info(same ? "nothing has changed in the configuration" : "the configuration is in use",
            {{"cause", report.cause}, {"version", report.version}, {"took_ms", milliseconds}});
}

}  // namespace

std::string_view to_string(ReloadOutcome outcome) noexcept {
  switch (outcome) {
    case ReloadOutcome::started: return "started";
    case ReloadOutcome::replaced: return "replaced";
    case ReloadOutcome::unchanged: return "unchanged";
    case ReloadOutcome::refused: break;
  }
  return "refused";
}

Reloader::Reloader(async::Runtime& runtime, Sources sources, SnapshotCompiler& compiler,
                   Deployment& deployment)
    : runtime_(runtime),
      sources_(std::move(sources)),
      compiler_(compiler),
      deployment_(deployment) {}

Task<void> Reloader::start(Candidate first) {
  process_ = first.process.value();
  const Instant began = runtime_.now();
  ReloadReport report{.cause = "start"};
  report.warnings = texts_of(first.warnings);
  co_await deploy(std::move(first), report);
  report.at = runtime_.wall_now();
  report.took = runtime_.now() - began;
  write_to_log(report);
  last_ = std::move(report);
}

void Reloader::request(std::string cause) {
  cause_ = std::move(cause);
  ++asked_;
  changed_.notify_all();
}

Task<ReloadReport> Reloader::reload(std::string cause) {
  request(std::move(cause));
  const std::uint64_t mine = asked_;
  while (done_ < mine) {
    if (co_await changed_.wait() != async::WaitOutcome::done) {
      throw Error(Condition::cancelled, "the reload was not waited for");
    }
  }
  co_return last_;
}

Task<void> Reloader::run() {
  while (true) {
    while (done_ == asked_) {
      if (co_await changed_.wait() != async::WaitOutcome::done) co_return;
    }
    const std::uint64_t answered = asked_;
    last_ = co_await reload_now(cause_);
    if (last_.outcome == ReloadOutcome::refused) ++refused_;
    write_to_log(last_);
    done_ = answered;
    changed_.notify_all();
  }
}

Task<ReloadReport> Reloader::reload_now(std::string cause) {
  const Instant began = runtime_.now();
  ReloadReport report{.cause = std::move(cause)};
  try {
    co_await try_candidate(report);
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled) throw;
    refuse(report, {error.detail()});
  }
  report.version = version_;
  report.at = runtime_.wall_now();
  report.took = runtime_.now() - began;
  co_return report;
}

Task<void> Reloader::try_candidate(ReloadReport& report) {
  const bool changed = co_await async::offload([this] { return files_.changed(); });
  if (!changed) {
    report.outcome = ReloadOutcome::unchanged;
    co_return;
  }
  const Timestamp now = runtime_.wall_now();
  auto candidate =
      co_await async::offload([&] { return read_candidate(sources_, compiler_, now); });
  report.warnings = texts_of(candidate.warnings);
  if (candidate.error_count > 0) {
    refuse(report, texts_of(candidate.errors));
    report.error_count = candidate.error_count;
    co_return;
  }
  note_restarts(*candidate.process, report);
  report.outcome = ReloadOutcome::replaced;
  co_await deploy(std::move(candidate), report);
}

Task<void> Reloader::deploy(Candidate candidate, ReloadReport& report) {
  auto& snapshot = *candidate.compilation.snapshot;
  auto reasons = deployment_.claim(snapshot.listeners);
  if (!reasons.empty()) {
    deployment_.abandon();
    if (report.outcome == ReloadOutcome::started) {
      throw Error(Condition::conflict, fmt::format("{}", fmt::join(reasons, "\n")));
    }
    refuse(report, std::move(reasons));
    co_return;
  }
  try {
    snapshot.clusters = co_await deployment_.prepare(std::move(candidate.compilation.clusters));
    snapshot.version = version_ + 1;
    snapshot.loaded_at = runtime_.wall_now();
    snapshot.source = candidate.source;
    co_await deployment_.replace(candidate.compilation.snapshot);
  } catch (...) {
    deployment_.abandon();
    throw;
  }
  deployment_.commit();
  report.version = ++version_;
  adopt(candidate);
}

void Reloader::adopt(Candidate& candidate) {
  process_ = *candidate.process;
  files_ = std::move(candidate.files);
  if (on_files_) on_files_(files_.files);
}

// What the process took at its start and keeps.
void Reloader::note_restarts(const ProcessSettings& next, ReloadReport& report) const {
  const auto note = [&](bool same, std::string_view name) {
    if (!same) report.warnings.push_back(fmt::format("{}: holds from the next start on", name));
  };
  note(next.nginx_worker_processes == process_.nginx_worker_processes, "nginx_worker_processes");
  note(next.nginx_user == process_.nginx_user, "nginx_user");
  note(next.admin_listen == process_.admin_listen, "admin_listen");
  note(next.dns_resolver == process_.dns_resolver, "dns_resolver");
  note(next.proxy_access_log == process_.proxy_access_log, "proxy_access_log");
  note(next.proxy_error_log == process_.proxy_error_log, "proxy_error_log");
  note(next.prefix == process_.prefix, "prefix");
}

}  // namespace sinew::gateway
