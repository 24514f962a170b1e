#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "cli/gateway_options.hpp"
#include "cli/misspelling.hpp"
#include "sinew/base/error.hpp"
#include "sinew/gateway/process/gateway_process.hpp"
#include "sinew/tls/record_buffers.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

void complain(const std::string& text) { std::fputs(text.c_str(), stderr); }

// Read and unset, so that nothing that is started speaks in our name.
std::string take_manager_socket() {
  const char* given = std::getenv("NOTIFY_SOCKET");
  std::string socket = given == nullptr ? "" : given;
  ::unsetenv("NOTIFY_SOCKET");
  return socket;
}

int parse(CLI::App& program, int argc, char** argv) {
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string mistake = sinew::cli::misspelling(program, {argv + 1, argv + argc});
    if (error.get_exit_code() != 0 && !mistake.empty()) {
      complain(mistake + "\n");
      return kUsage;
    }
    return program.exit(error) == 0 ? 0 : kUsage;
  }
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  sinew::tls::pool_record_buffers();
  CLI::App program("Sinew's gateway: forwards what clients ask by Kong's declarative file",
                   "sinew-proxy");
  program.set_version_flag("--version", SINEW_VERSION);
  sinew::gateway::GatewayOptions options;
  sinew::cli::add_gateway_options(program, options);
  if (const int code = parse(program, argc, argv); code >= 0) return code;
  options.notify_socket = take_manager_socket();
  try {
    return sinew::gateway::run_gateway(options);
  } catch (const sinew::Error& error) {
    complain(fmt::format("sinew-proxy: {}\n", error.detail()));
  } catch (const std::exception& error) {
    complain(fmt::format("sinew-proxy: {}\n", error.what()));
  }
  return kFailed;
}
