#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

#include "adapters/protobuf/descriptor_set.hpp"
#include "adapters/sqlite/history.hpp"
#include "cli/command.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/schema_catalog.hpp"
#include "sinew/event/schema_history.hpp"

namespace sinew::cli {
namespace {

struct SchemaOptions {
  std::vector<std::string> folders;
  std::vector<std::string> lifted;
  std::string history;
  std::string descriptors;
};

struct Report {
  std::size_t schemas = 0;
  JsonArray breaks;
  std::int64_t events = 0;
  std::int64_t unread = 0;  // of them: this program does not know how
  JsonArray unread_kinds;
  JsonArray findings;

  bool compatible() const { return breaks.empty() && findings.empty(); }
};

std::pair<std::string, std::int32_t> lifted_step(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::int32_t version = 0;
  if (colon != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, version);
    if (read.ec != std::errc() || read.ptr != end) version = 0;
  }
  if (version >= 1 && colon > 0) return {text.substr(0, colon), version};
  throw Error(
      Condition::invalid_input,
      fmt::format("--lifted takes TYPE:VERSION, such as sales.order.placed:1, not {}", text));
}

event::Lifts lifts_of(const SchemaOptions& schema, const event::SchemaCatalog& catalog) {
  event::Lifts lifts;
  for (const std::string& text : schema.lifted) {
    auto step = lifted_step(text);
    if (catalog.written(step.first, step.second) == nullptr) {
      throw Error(Condition::invalid_input,
                  fmt::format("--lifted {}: there is no schema of that version", text));
    }
    lifts.declared.insert(std::move(step));
  }
  return lifts;
}

Json row_of(const event::Incompatibility& found) {
  return JsonObject{{"type", found.type},     {"written", found.written}, {"reader", found.reader},
                    {"reads", found.version}, {"path", found.path},       {"change", found.change},
                    {"text", found.text}};
}

Json row_of(const event::UnreadEvents& unread) {
  return JsonObject{{"type", unread.type},
                    {"version", unread.version},
                    {"content_type", unread.content_type},
                    {"events", unread.events},
                    {"why", unread.why}};
}

Json row_of(const event::HistoryFinding& found) {
  return JsonObject{{"type", found.type},  {"written", found.written}, {"reader", found.reader},
                    {"path", found.path},  {"text", found.text},       {"events", found.events},
                    {"first", found.first}};
}

void print_report(const Report& report, const SchemaOptions& schema, Format format) {
  if (format == Format::json) {
    JsonObject document{{"schemas", report.schemas},
                        {"compatible", report.compatible()},
                        {"breaks", report.breaks}};
    if (!schema.history.empty()) {
      document.set("events", report.events).set("unread", report.unread);
      document.set("unread_kinds", report.unread_kinds);
      document.set("history", report.findings);
    }
    return print(to_pretty_text(Json(std::move(document))));
  }
  if (!report.breaks.empty()) {
    print(table(report.breaks,
                {{"type", "TYPE"},
                 {"written", "WRITTEN"},
                 {"reader", "BREAKS"},
                 {"reads", "READING"},
                 {"path", "MEMBER"},
                 {"text", "WHY"}},
                false));
  }
  if (!report.findings.empty()) {
    print(table(report.findings,
                {{"type", "TYPE"},
                 {"written", "WRITTEN"},
                 {"reader", "BREAKS"},
                 {"path", "MEMBER"},
                 {"text", "RECORDED EVENTS"},
                 {"events", "EVENTS"},
                 {"first", "FIRST"}},
                false));
  }
  if (!report.unread_kinds.empty()) {
    print(table(report.unread_kinds,
                {{"type", "TYPE"},
                 {"version", "WRITTEN"},
                 {"content_type", "ENCODING"},
                 {"events", "NOT READ"},
                 {"why", "WHY"}},
                false));
    print("Protobuf is read with --descriptors, which `protoc --descriptor_set_out` writes.\n");
  }
  std::string text = fmt::format("{} schemas", report.schemas);
  if (!schema.history.empty()) text += fmt::format(" and {} recorded events", report.events);
  if (report.unread > 0) text += fmt::format(" ({} of them not read)", report.unread);
  print(fmt::format("{}: {}\n", text, report.compatible() ? "compatible" : "not compatible"));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file && !content.empty()) return content;
  throw Error(Condition::invalid_input, fmt::format("{} cannot be read, or is empty", path));
}

event::Codecs codecs_of(const SchemaOptions& schema) {
  event::Codecs codecs;
  if (schema.descriptors.empty()) return codecs;
  const std::string bytes = read_file(schema.descriptors);
  try {
    codecs.add(protobuf::codec_of_descriptor_set(bytes));
  } catch (const Error& error) {
    throw Error(error.condition(), fmt::format("{}: {}", schema.descriptors, error.detail()));
  }
  return codecs;
}

Task<Report> check(async::Runtime& runtime, const SchemaOptions& schema) {
  event::SchemaCatalog catalog;
  for (const std::string& folder : schema.folders)
    add_schema_folder(catalog, folder);
  catalog.check_complete();
  const event::Lifts lifts = lifts_of(schema, catalog);
  const event::Codecs codecs = codecs_of(schema);
  Report report{.schemas = catalog.size(), .breaks = {}, .unread_kinds = {}, .findings = {}};
  for (const auto& found : catalog.check(lifts))
    report.breaks.push_back(row_of(found));
  if (schema.history.empty()) co_return report;
  event::HistoryCheck history(catalog, lifts, codecs);
  co_await sqlite::read_history(runtime, schema.history,
                                [&history](const sqlite::RecordedMessage& message) {
                                  history.add(message.place, message.type, message.version,
                                              message.content_type, message.data);
                                });
  report.events = history.events();
  report.unread = history.unread();
  for (const auto& unread : history.unread_kinds())
    report.unread_kinds.push_back(row_of(unread));
  for (const auto& found : history.findings())
    report.findings.push_back(row_of(found));
  co_return report;
}

Task<int> run_check(async::Runtime& runtime, const Options& options, const SchemaOptions& schema) {
  Report report;
  try {
    report = co_await check(runtime, schema);
  } catch (const Error& error) {
    complain(fmt::format("sinew: {}\n", error.detail()));
    co_return exit_usage;
  }
  print_report(report, schema, options.format);
  co_return report.compatible() ? exit_done : exit_failed;
}

}  // namespace

void add_schema_commands(CLI::App& program, const Options& options, Errand& errand) {
  auto* group = program.add_subcommand("schema", "Committed schemas of events and commands");
  group->require_subcommand(1);
  auto schema = std::make_shared<SchemaOptions>();
  auto* command = group->add_subcommand(
      "check", "Says which change of a schema breaks which reader of older data");
  command->add_option("folder", schema->folders, "Where the schemas are: <type>.v<n>.schema.json")
      ->required();
  command->add_option("--lifted", schema->lifted,
                      "TYPE:VERSION from which an upcaster lifts; its own test proves it");
  command->add_option("--history", schema->history,
                      "A system's folder: its recorded events must follow their schemas");
  command->add_option("--descriptors", schema->descriptors,
                      "With --history: the messages of events that travel as Protobuf, written by "
                      "`protoc --include_imports --descriptor_set_out`");
  command->callback([&errand, &options, schema] {
    errand = [&options, schema](async::Reactor& reactor) {
      return run_check(reactor, options, *schema);
    };
  });
}

}  // namespace sinew::cli
