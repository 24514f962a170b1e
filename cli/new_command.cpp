#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "cli/command.hpp"
#include "cli/new_context.hpp"

namespace sinew::cli {
namespace {

struct NewOptions {
  std::string name;
  std::filesystem::path folder;  // empty: called as the context
};

Task<int> create(const Options& options, NewOptions chosen) {
  if (chosen.folder.empty()) chosen.folder = chosen.name;
  const auto written = write_context(chosen.name, chosen.folder);
  if (options.format == Format::json) {
    JsonArray files;
    for (const std::string& file : written)
      files.emplace_back(file);
    print(to_pretty_text(Json(JsonObject{{"context", chosen.name},
                                         {"folder", chosen.folder.string()},
                                         {"files", std::move(files)}})));
    co_return exit_done;
  }
  print(fmt::format(
      "The context {0} is in {1}. Build and test it, then run it:\n\n"
      "  cd {1}\n"
      "  cmake --workflow --preset default\n"
      "  build/{0}\n\n"
      "Where Sinew is not installed in /usr/local, CMAKE_PREFIX_PATH names its prefix.\n",
      chosen.name, chosen.folder.string()));
  co_return exit_done;
}

}  // namespace

void add_new_commands(CLI::App& program, const Options& options, Errand& errand) {
  auto* group = program.add_subcommand("new", "Begins a project");
  group->require_subcommand(1);
  auto chosen = std::make_shared<NewOptions>();
  auto* command =
      group->add_subcommand("context", "A project with a context that builds, runs and has a test");
  command->add_option("name", chosen->name, "[a-z][a-z0-9]{0,39}: the prefix of its types")
      ->required();
  command->add_option("--folder", chosen->folder, "Where; a new or empty folder; default: ./NAME");
  command->callback([&errand, &options, chosen] {
    errand = [&options, chosen](async::Reactor&) { return create(options, *chosen); };
  });
}

}  // namespace sinew::cli
