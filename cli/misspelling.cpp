#include "cli/misspelling.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "sinew/base/suggest.hpp"

namespace sinew::cli {
namespace {

// `--port` of `--port=3`.
std::string option_name(const std::string& word) { return word.substr(0, word.find('=')); }

// The option of that name, of the command or of one above it whose options it takes too.
const CLI::Option* find_option(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_fallthrough() ? app->get_parent() : nullptr) {
    if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

std::vector<std::string> options_of(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_fallthrough() ? app->get_parent() : nullptr) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames())
        names.push_back("--" + name);
    }
  }
  return names;
}

const CLI::App* subcommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : app.get_subcommands({})) {
    if (each->get_name() == name) return each;
  }
  return nullptr;
}

// Those that the help shows.
std::vector<std::string> subcommands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) {
    if (!each->get_group().empty()) names.push_back(each->get_name());
  }
  return names;
}

std::string unknown_option(const CLI::App& app, const std::string& path, const std::string& name) {
  return fmt::format("{} has no option {}{}; `{} --help` lists them", path, name,
                     did_you_mean(name, options_of(&app)), path);
}

}  // namespace

std::string misspelling(const CLI::App& program, const std::vector<std::string>& arguments) {
  const CLI::App* app = &program;
  std::string path = program.get_name();
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& word = arguments[i];
    if (word.starts_with('-')) {
      const CLI::Option* option = find_option(app, option_name(word));
      if (option == nullptr && word.starts_with("--")) {
        return unknown_option(*app, path, option_name(word));
      }
      const bool takes_next = option != nullptr && option->get_items_expected_max() > 0;
      i += takes_next && word.find('=') == std::string::npos ? 1 : 0;
      continue;
    }
    const auto names = subcommands_of(*app);
    if (names.empty()) continue;
    const CLI::App* next = subcommand(*app, word);
    if (next == nullptr) {
      return fmt::format("{} has no subcommand {}{}; it has {}", path, word,
                         did_you_mean(word, names), fmt::join(names, ", "));
    }
    app = next;
    path += " " + word;
  }
  return "";
}

}  // namespace sinew::cli
