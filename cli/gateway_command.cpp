#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include <unistd.h>

#include "cli/command.hpp"
#include "cli/gateway_options.hpp"
#include "sinew/base/error.hpp"
#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/process_settings.hpp"

namespace sinew::cli {
namespace {

using config::Problem;
using gateway::Configuration;
using gateway::Reading;

struct Count {
  const char* what;
  std::size_t count;
};

std::vector<Count> counts_of(const Configuration& configuration) {
  std::size_t targets = 0;
  for (const auto& upstream : configuration.upstreams)
    targets += upstream.targets.size();
  std::size_t server_names = 0;
  for (const auto& certificate : configuration.certificates)
    server_names += certificate.snis.size();
  return {
      {"services", configuration.services.size()},         {"routes", configuration.routes.size()},
      {"upstreams", configuration.upstreams.size()},       {"targets", targets},
      {"certificates", configuration.certificates.size()}, {"snis", server_names}};
}

JsonArray rows_of(const std::vector<Problem>& problems) {
  JsonArray rows;
  for (const auto& problem : problems) {
    rows.push_back(JsonObject{{"file", problem.position.file ? *problem.position.file : ""},
                              {"line", problem.position.line},
                              {"path", problem.path},
                              {"text", problem.what}});
  }
  return rows;
}

void print_document(const Reading& reading) {
  JsonObject document{{"valid", reading.error_count == 0},
                      {"errors", rows_of(reading.errors)},
                      {"error_count", reading.error_count},
                      {"warnings", rows_of(reading.warnings)}};
  if (reading.configuration) {
    for (const auto& [what, count] : counts_of(*reading.configuration))
      document.set(what, count);
  }
  print(to_pretty_text(Json(std::move(document))));
}

void print_lines(const Reading& reading, const std::string& file) {
  for (const auto& problem : reading.warnings)
    complain(to_string(problem) + " (warning)\n");
  for (const auto& problem : reading.errors)
    complain(to_string(problem) + "\n");
  if (reading.error_count > reading.errors.size()) {
    complain(fmt::format("and {} more\n", reading.error_count - reading.errors.size()));
  }
  if (!reading.configuration) {
    return complain(fmt::format("{}: {} errors\n", file, reading.error_count));
  }
  std::string text;
  for (const auto& [what, count] : counts_of(*reading.configuration))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  print(fmt::format("{}: {}\n", file, text));
}

struct CheckOptions {
  std::string file;
  std::string conf;
};

// Adds what is wrong with the process's settings, and what does not fit between both.
void add_process(Reading& reading, const std::string& conf) {
  auto process = conf.empty() ? gateway::read_process_settings("", "")
                              : gateway::read_process_settings_file(conf);
  if (reading.configuration && process.settings) {
    for (auto& problem : listener_problems(*reading.configuration, *process.settings)) {
      ++process.error_count;
      process.errors.push_back(std::move(problem));
    }
  }
  const auto append = [](std::vector<Problem>& to, std::vector<Problem>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(reading.errors, process.errors);
  append(reading.warnings, process.warnings);
  reading.error_count += process.error_count;
  if (reading.error_count > 0) reading.configuration.reset();
}

Task<int> run_check(const Options& options, CheckOptions check) {
  Reading reading;
  try {
    reading = gateway::read_configuration_file(check.file);
    add_process(reading, check.conf);
  } catch (const Error& error) {
    complain(fmt::format("sinew: {}\n", error.detail()));
    co_return exit_usage;
  }
  if (options.format == Format::json) {
    print_document(reading);
  } else {
    print_lines(reading, check.file);
  }
  co_return reading.configuration ? exit_done : exit_usage;
}

// Becomes sinew-proxy, which stands beside this program, with what follows `gateway`: a process of
// its own that has nothing of the contexts in it.
void run_proxy(const std::vector<std::string>& arguments) {
  const auto program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sinew-proxy";
  auto word = std::ranges::find(arguments, "gateway");
  std::vector<std::string> words{program.string()};
  if (word != arguments.end()) words.insert(words.end(), word + 1, arguments.end());
  std::vector<char*> pointers;
  for (auto& each : words)
    pointers.push_back(each.data());
  pointers.push_back(nullptr);
  ::execv(program.c_str(), pointers.data());
  throw Error(Condition::unavailable,
              fmt::format("{} cannot be run: {}", program.string(), std::strerror(errno)));
}

}  // namespace

void add_gateway_commands(CLI::App& program, const Options& options, Errand& errand) {
  auto* group = program.add_subcommand(
      "gateway", "Runs the API gateway by a file in Kong's declarative format; until Ctrl+C");
  group->require_subcommand(0, 1);
  auto run = std::make_shared<gateway::GatewayOptions>();
  add_gateway_options(*group, *run);
  group->callback([group, &errand, &options, run] {
    if (!group->get_subcommands().empty()) return;
    errand = [&options](async::Reactor&) -> Task<int> {
      run_proxy(options.arguments);
      co_return exit_failed;
    };
  });
  auto check = std::make_shared<CheckOptions>();
  auto* command = group->add_subcommand(
      "check", "Says everything that is wrong with a file in Kong's declarative format");
  command->add_option("file", check->file, "The file, YAML or JSON")->required();
  command->add_option("--conf", check->conf, "The process's settings, as kong.conf has them");
  command->callback([&errand, &options, check] {
    errand = [&options, check](async::Reactor&) { return run_check(options, *check); };
  });
}

}  // namespace sinew::cli
