#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/gateway/process/candidate.hpp"

namespace sinew::gateway {

// What a new configuration is brought to. Its steps are taken in this order; nothing has changed
// for any request before replace() returns.
class Deployment {
 public:
  Deployment() = default;
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;
  virtual ~Deployment() = default;

  // The addresses are this process's from now on. Every reason why not, each a sentence.
  virtual std::vector<std::string> claim(std::span<const proxy::ListenerSettings> listeners) = 0;
  virtual Task<std::vector<proxy::ClusterPtr>> prepare(
      std::vector<proxy::ClusterSettings> clusters) = 0;
  virtual Task<void> replace(proxy::SnapshotPtr next) = 0;
  // All of it is in use: what the one before alone had is given up.
  virtual void commit() = 0;
  // A step has failed: what the steps before took is given back.
  virtual void abandon() noexcept = 0;
};

enum class ReloadOutcome : std::uint8_t {
  started,
  replaced,
  unchanged,  // every file is what it was: nothing was done
  refused,    // and nothing changed; the errors say why
};
std::string_view to_string(ReloadOutcome outcome) noexcept;

inline constexpr std::string_view kFilesCause = "files";  // of a change that was noticed

struct ReloadReport {
  ReloadOutcome outcome = ReloadOutcome::started;
  std::string cause = {};     // start, signal, files, call
  std::uint64_t version = 0;  // of the snapshot in use afterwards
  Timestamp at = {};          // when it ended
  Duration took = {};
  std::vector<std::string> errors = {};  // with file and line; of many the first 100
  std::size_t error_count = 0;
  std::vector<std::string> warnings = {};
};

// Brings changed files into use while the process serves. Reloads follow one another, and those
// that are asked for while one is under way are one. Whatever fails, the configuration before stays
// in use, all of it. Each is logged. On the controller's reactor; files are read and compiled on
// other threads.
class Reloader {
 public:
  // What it is given outlives it.
  Reloader(async::Runtime& runtime, Sources sources, SnapshotCompiler& compiler,
           Deployment& deployment);

  // Brings the first configuration into use, which has no errors. Throws Error invalid_input,
  // conflict or unauthorized when it cannot be: then the process has to end.
  Task<void> start(Candidate first);
  // Carries out what reload() asks for, until it is cancelled.
  Task<void> run();

  // Asks for one, and waits for the end of one that began afterwards.
  Task<ReloadReport> reload(std::string cause);
  // Asks for one.
  void request(std::string cause);

  const ReloadReport& last() const noexcept { return last_; }
  std::uint64_t replaced() const noexcept { return version_; }  // how often, the start included
  std::uint64_t refused() const noexcept { return refused_; }
  const ProcessSettings& process() const noexcept { return process_; }  // in use
  // Which files to watch; called after each change of them.
  const std::vector<std::string>& files() const noexcept { return files_.files; }
  void on_files(std::function<void(const std::vector<std::string>&)> told) {
    on_files_ = std::move(told);
  }

 private:
  Task<ReloadReport> reload_now(std::string cause);
  Task<void> try_candidate(ReloadReport& report);
  Task<void> deploy(Candidate candidate, ReloadReport& report);
  void adopt(Candidate& candidate);
  void note_restarts(const ProcessSettings& next, ReloadReport& report) const;

  async::Runtime& runtime_;
  Sources sources_;
  SnapshotCompiler& compiler_;
  Deployment& deployment_;
  std::function<void(const std::vector<std::string>&)> on_files_;

  ProcessSettings process_;
  FilesRead files_;
  std::uint64_t version_ = 0;
  std::uint64_t refused_ = 0;
  ReloadReport last_;

  std::string cause_;
  std::uint64_t asked_ = 0;  // reloads ever asked for
  std::uint64_t done_ = 0;   // those of them whose reload has ended
  async::WaitQueue changed_;
};

}  // namespace sinew::gateway
