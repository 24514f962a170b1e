#include "cli/misspelling.hpp"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "sinew/base/suggest.hpp"

namespace sinew::cli {
namespace {

// Whether the word is an option that takes the next one as its value.
bool takes_a_value(const CLI::App* app, const std::string& word) {
  if (word.find('=') != std::string::npos) return false;
  for (; app != nullptr; app = app->get_parent()) {
    const CLI::Option* option = app->get_option_no_throw(word);
    if (option != nullptr) return option->get_items_expected_max() > 0;
  }
  return false;
}

const CLI::App* subcommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : app.get_subcommands({})) {
    if (each->get_name() == name) return each;
  }
  return nullptr;
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({}))
    names.push_back(each->get_name());
  return names;
}

}  // namespace

std::string unknown_subcommand(const CLI::App& program, const std::vector<std::string>& arguments) {
  const CLI::App* app = &program;
  std::string path = program.get_name();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const auto names = names_of(*app);
    if (names.empty()) return "";
    if (word.starts_with('-')) {
      i += takes_a_value(app, word) ? 1 : 0;
      continue;
    }
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
