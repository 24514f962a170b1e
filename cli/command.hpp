#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/system.hpp"
#include "sinew/async/task.hpp"

namespace CLI {
class App;
}

namespace sinew::cli {

// Documented in docs/reference/cli.md.
enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,   // it was refused or could not be done; standard error says why
  exit_usage = 2,    // the command line is wrong
  exit_nothing = 3,  // nothing matched
};

// Options of every subcommand.
struct Options {
  std::vector<std::string> arguments;  // of the command line, without the program
  std::filesystem::path folder = "commerce-data";
  std::string context;  // empty: all
  Format format = Format::table;
};

// What the chosen subcommand does with the system; gives the exit code.
using Action = std::function<Task<int>(System&)>;

// What a subcommand does that needs no system.
using Errand = std::function<Task<int>(async::Reactor&)>;

// Each adds its subcommands to the program and sets `action`, or `errand`, when one of them is
// chosen.
void add_saga_commands(CLI::App& program, const Options& options, Action& action);
void add_resilience_commands(CLI::App& program, const Options& options, Action& action);
void add_trace_command(CLI::App& program, const Options& options, Action& action);
void add_dlq_commands(CLI::App& program, const Options& options, Action& action);
void add_topic_commands(CLI::App& program, const Options& options, Action& action);
void add_queue_commands(CLI::App& program, const Options& options, Action& action);
void add_projection_commands(CLI::App& program, const Options& options, Action& action);
void add_schema_commands(CLI::App& program, const Options& options, Errand& errand);
void add_gateway_commands(CLI::App& program, const Options& options, Errand& errand);
// Into the group of add_gateway_commands(), which is called before.
void add_gateway_admin_commands(CLI::App& program, const Options& options, Errand& errand);
void add_new_commands(CLI::App& program, const Options& options, Errand& errand);

}  // namespace sinew::cli
