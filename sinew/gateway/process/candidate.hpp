#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sinew/gateway/compile/snapshot_compiler.hpp"
#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/process_settings.hpp"

namespace sinew::gateway {

// Where the configuration of a process comes from: files, and what its command line says, which
// goes before what kong.conf says.
struct Sources {
  std::filesystem::path configuration = {};  // empty: kong.conf's declarative_config
  std::filesystem::path conf = {};           // kong.conf; empty: its defaults and KONG_ variables
  std::optional<Listens> proxy_listen = {};
  std::optional<Listens> admin_listen = {};
  std::optional<Workers> workers = {};
  Environment environment = process_environment;
};

// The files that a configuration was read from, certificates and keys included, and what was in
// them: equal fingerprints, equal contents. One that cannot be read has a content of its own.
struct FilesRead {
  std::vector<std::string> files;
  std::string fingerprint;

  static FilesRead of(std::vector<std::string> files);
  bool changed() const;  // reads them again
};

// A configuration that may take the place of the one in use: read and compiled, and nothing of it
// is visible to anybody yet.
struct Candidate {
  FilesRead files;
  std::string source;  // the file in Kong's format
  std::optional<ProcessSettings> process;
  Compilation compilation;              // without snapshot where there is an error
  std::vector<config::Problem> errors;  // all of them, by file and line; of many the first 100
  std::size_t error_count = 0;
  std::vector<config::Problem> warnings;
};

// Reads and compiles. What it finds wrong, a file that cannot be read as well, is in the errors.
// Blocks: on a thread that may. Throws Error exhausted when there is no randomness to be had.
Candidate read_candidate(const Sources& sources, SnapshotCompiler& compiler, Timestamp now);

// kong.conf alone, for what is needed before the rest may be read: whose rights to take. Nothing
// where it has errors: read_candidate() says them.
std::optional<ProcessSettings> peek_at_process(const Sources& sources);

}  // namespace sinew::gateway
