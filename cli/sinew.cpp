#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <exception>

#include "cli/command.hpp"
#include "cli/misspelling.hpp"
#include "cli/version.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/base/error.hpp"

namespace {

using namespace sinew;

int run(const cli::Options& options, const cli::Action& action, const cli::Errand& errand) {
  int code = cli::exit_failed;
  std::exception_ptr failure;
  async::WorkerGroup workers({});
  workers.run([&](async::Reactor& reactor, std::size_t) -> Task<void> {
    try {
      if (errand) {
        code = co_await errand(reactor);
        co_return;
      }
      auto system = co_await cli::System::open(reactor, options.folder);
      code = co_await action(*system);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program(
      "Sinew: what an operator asks of a system of bounded contexts, running or "
      "stopped",
      "sinew");
  program.require_subcommand(1);
  program.fallthrough();
  cli::Options options;
  options.arguments.assign(argv + 1, argv + argc);
  cli::Action action;
  cli::Errand errand;
  bool version = false;
  program.add_option("--folder", options.folder, "The system's folder")
      ->capture_default_str()
      ->envname("SINEW_FOLDER");
  program.add_option("--context", options.context, "Only this context");
  program
      .add_option_function<std::string>(
          "-o,--output",
          [&options](const std::string& format) {
            options.format = format == "json" ? cli::Format::json : cli::Format::table;
          },
          "table (the default) or json")
      ->check(CLI::IsMember({"table", "json"}));
  cli::add_saga_commands(program, options, action);
  cli::add_dlq_commands(program, options, action);
  cli::add_topic_commands(program, options, action);
  cli::add_queue_commands(program, options, action);
  cli::add_projection_commands(program, options, action);
  cli::add_schema_commands(program, options, errand);
  cli::add_gateway_commands(program, options, errand);
  cli::add_gateway_admin_commands(program, options, errand);
  cli::add_resilience_commands(program, options, action);
  cli::add_new_commands(program, options, errand);
  cli::add_trace_command(program, options, action);
  program.add_subcommand("version", "The version of this program")->callback([&] {
    version = true;
  });
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string mistake = cli::misspelling(program, {argv + 1, argv + argc});
    if (error.get_exit_code() != 0 && !mistake.empty()) {
      cli::complain(mistake + "\n");
      return cli::exit_usage;
    }
    return program.exit(error) == 0 ? cli::exit_done : cli::exit_usage;
  }
  try {
    if (version) {
      cli::print(cli::version_text(options.format));
      return cli::exit_done;
    }
    return run(options, action, errand);
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const Error*>(&error);
    cli::complain(fmt::format("sinew: {}\n", known != nullptr ? known->detail() : error.what()));
    return cli::exit_failed;
  }
}
