#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/id.hpp"

namespace sinew::cli {
namespace {

// A correlation id is asked for as one; anything else is a key.
JsonObject process_of(const std::string& id) {
  try {
    return JsonObject{{"correlation", to_string(Uuid::parse(id))}};
  } catch (const Error&) {
    return JsonObject{{"key", id}};
  }
}

Task<int> trace(System& system, const Options& options, std::string id) {
  std::vector<std::string> contexts = system.contexts();
  if (!options.context.empty()) contexts = {options.context};
  JsonArray rows;
  for (const auto& context : contexts) {
    Json answer = co_await system.operate(context, "trace.show", Json(process_of(id)));
    for (Json& row : answer.as_object().find("entries")->as_array()) {
      row.as_object().set("context", context);
      rows.push_back(std::move(row));
    }
  }
  std::ranges::sort(rows, {}, [](const Json& row) {
    return std::pair{row.at("at").as_string(), row.at("hops").as_integer()};
  });
  if (options.format == Format::json) {
    print(to_pretty_text(Json(JsonObject{{"entries", rows}})));
  } else {
    print(table(rows,
                {{"at", "AT"},
                 {"context", "CONTEXT"},
                 {"what", "WHAT"},
                 {"type", "TYPE"},
                 {"key", "KEY"},
                 {"hops", "HOPS"},
                 {"cause", "BECAUSE OF"},
                 {"detail", "DETAIL"}},
                true));
  }
  co_return rows.empty() ? exit_nothing : exit_done;
}

}  // namespace

void add_trace_command(CLI::App& program, const Options& options, Action& action) {
  auto* command = program.add_subcommand(
      "trace", "One process over all contexts: what each did, and what still waits");
  auto id = std::make_shared<std::string>();
  command->add_option("process", *id, "Its correlation id, or the key (an order) it is about");
  command->callback([&action, &options, id] {
    if (id->empty()) {
      throw CLI::ValidationError(
          "sinew trace",
          "say which process: the key it is about, such as the id of an order (`sinew dlq list` "
          "shows keys, and the list of orders has them), or its correlation id (`sinew saga show` "
          "and `sinew dlq show` say it)");
    }
    action = [&options, id](System& system) { return trace(system, options, *id); };
  });
}

}  // namespace sinew::cli
