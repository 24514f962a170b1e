#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/program/exit_code.hpp"
#include "sinew/base/instant.hpp"

// The subcommands of commerce, a source each. They give the exit code, or throw Error with what,
// why and what to do.
namespace commerce::program {

struct RunOptions {
  std::filesystem::path folder = "commerce-data";
  std::filesystem::path input = "data/northwind";
  std::filesystem::path config;       // a file of Settings; empty: the defaults
  std::optional<std::uint16_t> port;  // instead of the configured one
  bool exit = false;                  // after the books
  Format format = Format::table;
};
// The system and the replay of an input into it; then the books; stays up until Ctrl+C.
int run(RunOptions options);

struct ServeOptions {
  std::filesystem::path folder = "commerce-data";
  std::filesystem::path config;
  std::optional<std::uint16_t> port;
  std::string name = "main";
  std::vector<std::string> contexts;  // none: all
};
// Only the system.
int serve(ServeOptions options);

struct ReplayOptions {
  std::filesystem::path folder = "commerce-data";
  std::filesystem::path input = "data/northwind";
  std::filesystem::path target;  // a replay::Target in a file; empty: what runs in the folder
  bool quiet = false;
  Format format = Format::table;
};
// Brings an input into a running system.
int replay_input(const ReplayOptions& options);

struct VerifyOptions {
  std::filesystem::path folder = "commerce-data";
  std::filesystem::path config;  // of the system
  sinew::Duration wait = std::chrono::seconds(30);
  Format format = Format::table;
};
// Checks the books, of a running system or a stopped folder.
int verify(VerifyOptions options);

struct ProviderOptions {
  std::filesystem::path folder;
  std::uint16_t port = 0;
};
// The sandbox payment provider, until it is told to stop; tells its URL on standard output.
int provide_payments(ProviderOptions options);

}  // namespace commerce::program
