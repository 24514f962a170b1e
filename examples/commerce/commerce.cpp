#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "cli/misspelling.hpp"
#include "examples/commerce/program/commands.hpp"
#include "examples/commerce/program/settings.hpp"
#include "sinew/base/config_environment.hpp"
#include "sinew/base/crash_hook.hpp"
#include "sinew/base/error.hpp"

namespace {

using namespace commerce::program;

// 30s, 500ms, 2m; a bare number is seconds.
std::optional<sinew::Duration> parse_duration(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  constexpr std::int64_t most = 1'000'000;
  if (read.ec != std::errc() || number < 0 || number > most) return std::nullopt;
  const std::string_view unit(read.ptr, end);
  if (unit.empty() || unit == "s") return std::chrono::seconds(number);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  return std::nullopt;
}

void add_format(CLI::App& command, Format& format) {
  command
      .add_option_function<std::string>(
          "-o,--output",
          [&format](const std::string& name) {
            format = name == "json" ? Format::json : Format::table;
          },
          "table (the default) or json")
      ->check(CLI::IsMember({"table", "json"}));
}

void add_folder(CLI::App& command, std::filesystem::path& folder) {
  command.add_option("--folder", folder, "The system's folder")
      ->capture_default_str()
      ->envname("SINEW_FOLDER");
}

void add_config(CLI::App& command, std::filesystem::path& config) {
  command.add_option("--config", config, "A YAML file with the system's configuration");
}

void add_port(CLI::App& command, std::optional<std::uint16_t>& port) {
  command
      .add_option("--port", port,
                  "Of sales, instead of the configured one; the other contexts follow. 0: free "
                  "ports")
      ->default_str(std::to_string(default_port));
}

using Action = std::function<int()>;

// What serves contexts can be killed by the crash tests; its provider and its replay cannot.
Action hosting(Action action) {
  return [action = std::move(action)] {
    sinew::install_crash_hook(sinew::process_environment);
    return action();
  };
}

void add_run(CLI::App& program, RunOptions& options, Action& action) {
  auto& command = *program.add_subcommand(
      "run", "Start the system, replay an input into it, show the books; until Ctrl+C");
  add_folder(command, options.folder);
  command.add_option("--input", options.input, "A folder of CSV files")->capture_default_str();
  add_config(command, options.config);
  add_port(command, options.port);
  command.add_flag("--exit", options.exit, "Stop after the books; the exit code is verify's");
  add_format(command, options.format);
  command.callback([&] { action = hosting([&options] { return run(options); }); });
}

void add_serve(CLI::App& program, ServeOptions& options, Action& action) {
  auto& command = *program.add_subcommand("serve", "Only start the system; until Ctrl+C");
  add_folder(command, options.folder);
  add_config(command, options.config);
  add_port(command, options.port);
  command.add_option("--name", options.name, "Of this host, where a system has several")
      ->capture_default_str();
  command.add_option("--contexts", options.contexts, "Which contexts, separated by commas")
      ->delimiter(',');
  command.callback([&] { action = hosting([&options] { return serve(options); }); });
}

void add_replay(CLI::App& program, ReplayOptions& options, Action& action) {
  auto& command = *program.add_subcommand("replay", "Replay an input into a running system");
  command.add_option("--input", options.input, "A folder of CSV files")->capture_default_str();
  add_folder(command, options.folder);
  command.add_option("--target", options.target,
                     "A file with the system's URLs and drop folders, instead of --folder");
  command.add_flag("--quiet", options.quiet, "No progress bar");
  add_format(command, options.format);
  command.callback([&] { action = [&options] { return replay_input(options); }; });
}

void add_verify(CLI::App& program, VerifyOptions& options, Action& action) {
  auto& command = *program.add_subcommand(
      "verify",
      "Check the books, of a running system or a stopped folder. Exit code 0: they balance, 1: "
      "they do not, 3: the system did not come to rest");
  add_folder(command, options.folder);
  add_config(command, options.config);
  command
      .add_option_function<std::string>(
          "--wait",
          [&options](const std::string& text) {
            const auto wait = parse_duration(text);
            if (!wait) throw CLI::ValidationError("--wait", "expected a time such as 30s");
            options.wait = *wait;
          },
          "How long the system may take to come to rest")
      ->default_str("30s");
  add_format(command, options.format);
  command.callback([&] { action = [&options] { return verify(options); }; });
}

void add_provider(CLI::App& program, ProviderOptions& options, Action& action) {
  auto& command = *program.add_subcommand("provider", "The sandbox payment provider");
  command.add_option("--folder", options.folder, "The system's folder")->required();
  command.add_option("--port", options.port, "0: a free port");
  command.group("");  // not in the help: run and serve start it
  command.callback([&] { action = [&options] { return provide_payments(options); }; });
}

int fail(const std::string& reason) {
  fmt::print(stderr, "commerce: {}\n", reason);
  return exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Commerce: five bounded contexts on Sinew, and the books that must balance",
                   "commerce");
  program.require_subcommand(1);
  RunOptions run_options;
  ServeOptions serve_options;
  ReplayOptions replay_options;
  VerifyOptions verify_options;
  ProviderOptions provider_options;
  Action action;
  add_run(program, run_options, action);
  add_serve(program, serve_options, action);
  add_replay(program, replay_options, action);
  add_verify(program, verify_options, action);
  add_provider(program, provider_options, action);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string mistake = sinew::cli::misspelling(program, {argv + 1, argv + argc});
    if (error.get_exit_code() != 0 && !mistake.empty()) {
      fmt::print(stderr, "{}\n", mistake);
      return exit_failed;
    }
    return program.exit(error) == 0 ? exit_done : exit_failed;
  }
  try {
    return action();
  } catch (const sinew::Error& error) {
    return fail(error.detail());
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
