#include "cli/gateway_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "sinew/base/config_scalar.hpp"

namespace sinew::cli {
namespace {

using gateway::GatewayOptions;
using gateway::Listens;

// Read as the options of kong.conf are.
template <class T>
T read(const std::string& option, const std::string& text) {
  if (auto value = config::Scalar<T>::parse(text)) return *std::move(value);
  throw CLI::ValidationError(option,
                             fmt::format("got `{}`, expected {}", text, config::Scalar<T>::kNoun));
}

void add_addresses(CLI::App& command, GatewayOptions& options) {
  command.add_option_function<std::vector<std::string>>(
      "--listen",
      [&options](const std::vector<std::string>& texts) {
        options.sources.proxy_listen =
            read<Listens>("--listen", fmt::format("{}", fmt::join(texts, ", ")));
      },
      "For clients, in place of proxy_listen: IP:port, or \"IP:port ssl\"; may be repeated");
  command.add_option_function<std::string>(
      "--admin",
      [&options](const std::string& text) {
        options.sources.admin_listen = read<Listens>("--admin", text);
      },
      "The admin listener, in place of admin_listen; off: none");
  command.add_flag("--allow-remote-admin", options.allow_remote_admin,
                   "It may be at an address that other machines reach; it asks nobody who he is");
}

void add_process(CLI::App& command, GatewayOptions& options) {
  command.add_option_function<std::string>(
      "--workers",
      [&options](const std::string& text) {
        options.sources.workers = read<gateway::Workers>("--workers", text);
      },
      "Threads that serve, or auto: one a core");
  command.add_option("--user", options.user,
                     "NAME or NAME:GROUP, whose rights are taken; needed when started as root");
  command.add_option("--run-dir", options.run_folder, "Where the locks of the addresses are");
  command.add_flag("!--no-watch", options.watch_files,
                   "Read the configuration again on SIGHUP only, not when a file changes");
}

void add_end(CLI::App& command, GatewayOptions& options) {
  const auto add = [&command](const char* name, Duration& value, const char* text) {
    command.add_option_function<std::string>(
        name, [name, &value](const std::string& given) { value = read<Duration>(name, given); },
        text);
  };
  add("--drain-announce", options.drain_announce,
      "Told to end: goes on to accept for so long, and says that it is not ready (default 0s)");
  add("--drain-timeout", options.drain_timeout,
      "Then requests have so long to end, before they are cut (default 30s)");
}

void add_logs(CLI::App& command, GatewayOptions& options) {
  command.add_option_function<std::string>(
      "--access-log", [&options](const std::string& target) { options.access_log = target; },
      "off, stdout, stderr or a path, in place of proxy_access_log");
  command
      .add_option("--access-log-format", options.access_log_format,
                  "json, or a line with $variables as nginx's log_format has it")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--log-format",
          [&options](const std::string& name) {
            options.log_format = name == "json" ? log::Format::json : log::Format::text;
          },
          "text (the default) or json, of the process's own log")
      ->check(CLI::IsMember({"text", "json"}));
}

}  // namespace

void add_gateway_options(CLI::App& command, GatewayOptions& options) {
  command.add_option("--config", options.sources.configuration,
                     "The file in Kong's declarative format; default: declarative_config");
  command.add_option("--conf", options.sources.conf,
                     "The process's settings, as kong.conf has them");
  add_addresses(command, options);
  add_process(command, options);
  add_end(command, options);
  add_logs(command, options);
}

}  // namespace sinew::cli
