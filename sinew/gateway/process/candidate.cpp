#include "sinew/gateway/process/candidate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "sinew/base/error.hpp"
#include "sinew/base/hash.hpp"

namespace sinew::gateway {
namespace {

constexpr std::size_t kMaxErrors = 100;
constexpr int kTries = 3;  // of reading files that change meanwhile

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "cannot be read";
  return {std::istreambuf_iterator<char>(file), {}};
}

void append(std::vector<config::Problem>& to, std::vector<config::Problem> from) {
  std::ranges::move(from, std::back_inserter(to));
}

// Into `out`, which tells what was read.
class CandidateReader {
 public:
  CandidateReader(const Sources& sources, Candidate& out) : sources_(sources), out_(out) {}

  void read(SnapshotCompiler& compiler, Timestamp now) {
    read_process();
    read_configuration();
    if (out_.process && configuration_) {
      out_.compilation = compiler.compile(*configuration_, *out_.process, now);
      out_.error_count += out_.compilation.errors.size();
      append(out_.errors, std::move(out_.compilation.errors));
      append(out_.warnings, std::move(out_.compilation.warnings));
    }
    if (out_.errors.size() > kMaxErrors) out_.errors.resize(kMaxErrors);
  }

  std::vector<std::string> files() const { return files_; }

 private:
  void fail(std::string option, std::string what) {
    out_.errors.push_back({{}, std::move(option), std::move(what)});
    ++out_.error_count;
  }

  void read_process() {
    ProcessReading reading;
    try {
      if (!sources_.conf.empty()) files_.push_back(sources_.conf.string());
      reading = sources_.conf.empty()
                    ? read_process_settings("", "", sources_.environment)
                    : read_process_settings_file(sources_.conf, sources_.environment);
    } catch (const Error& error) {
      return fail("", error.detail());
    }
    append(out_.errors, std::move(reading.errors));
    append(out_.warnings, std::move(reading.warnings));
    out_.error_count += reading.error_count;
    out_.process = std::move(reading.settings);
    if (!out_.process) return;
    if (sources_.proxy_listen) out_.process->proxy_listen = *sources_.proxy_listen;
    if (sources_.admin_listen) out_.process->admin_listen = *sources_.admin_listen;
    if (sources_.workers) out_.process->nginx_worker_processes = *sources_.workers;
    for (const auto* paths : {&out_.process->ssl_cert, &out_.process->ssl_cert_key})
      std::ranges::copy(paths->paths, std::back_inserter(files_));
  }

  void read_configuration() {
    out_.source = sources_.configuration.string();
    if (out_.source.empty() && out_.process) {
      out_.source = out_.process->declarative_config.value_or("");
    }
    if (out_.source.empty()) {
      if (out_.process) fail("declarative_config", "is not set, and no --config is given");
      return;
    }
    files_.push_back(out_.source);
    try {
      auto reading = read_configuration_file(out_.source, sources_.environment);
      append(out_.errors, std::move(reading.errors));
      append(out_.warnings, std::move(reading.warnings));
      out_.error_count += reading.error_count;
      std::ranges::copy(reading.files, std::back_inserter(files_));
      configuration_ = std::move(reading.configuration);
    } catch (const Error& error) {
      fail("", error.detail());
    }
  }

  const Sources& sources_;
  Candidate& out_;
  std::vector<std::string> files_;
  std::optional<Configuration> configuration_;
};

}  // namespace

FilesRead FilesRead::of(std::vector<std::string> files) {
  std::string all;
  for (const auto& file : files)
    all += fmt::format("{} {}\n", file, sha256_hex(content_of(file)));
  return {std::move(files), sha256_hex(all)};
}

bool FilesRead::changed() const { return of(files).fingerprint != fingerprint; }

// Which files there are is known only when they have been read; so that what the fingerprint is of
// is what was read, it is taken before as well, and reading is tried again if it has changed.
Candidate read_candidate(const Sources& sources, SnapshotCompiler& compiler, Timestamp now) {
  FilesRead before;
  for (int tried = 1;; ++tried) {
    Candidate out;
    CandidateReader reader(sources, out);
    reader.read(compiler, now);
    out.files = FilesRead::of(reader.files());
    if (out.files.fingerprint == before.fingerprint || tried == kTries) return out;
    before = out.files;
  }
}

std::optional<ProcessSettings> peek_at_process(const Sources& sources) {
  try {
    return sources.conf.empty()
               ? read_process_settings("", "", sources.environment).settings
               : read_process_settings_file(sources.conf, sources.environment).settings;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace sinew::gateway
