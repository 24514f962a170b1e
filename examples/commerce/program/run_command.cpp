#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "examples/commerce/program/audit_run.hpp"
#include "examples/commerce/program/callable.hpp"
#include "examples/commerce/program/child_process.hpp"
#include "examples/commerce/program/commands.hpp"
#include "examples/commerce/program/folder_lock.hpp"
#include "examples/commerce/program/hosting.hpp"
#include "examples/commerce/program/interruption.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/program/logging.hpp"
#include "examples/commerce/program/settings.hpp"
#include "examples/commerce/program/statement_text.hpp"
#include "examples/commerce/program/url_block.hpp"
#include "examples/commerce/program/work.hpp"
#include "sinew/base/error.hpp"
#include "sinew/wire/uri.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;

constexpr auto rest_patience = std::chrono::seconds(30);

// One run of the system with an input.
class Run {
 public:
  Run(sinew::async::WorkerGroup& workers, const RunOptions& options, const Settings& settings,
      Interruption& interruption)
      : runtime_(workers.reactor(0)),
        options_(options),
        provider_(settings.payment_provider.whose()),
        interruption_(interruption),
        hosting_(workers, {options.folder, "main", settings}) {}

  Task<int> until_stopped() {
    co_await hosting_.serve(interruption_, work_through());
    if (!compared_) {
      fmt::print(
          stderr,
          "commerce: stopped before the books were compared; what was taken is safe, and the "
          "same command goes on from there\n");
    }
    co_return compared_ || !options_.exit ? code_ : exit_unsettled;
  }

 private:
  Task<void> work_through() {
    co_await hosting_.start();
    co_await replay();
    co_await show_books();
    if (options_.exit) co_return;
    show_what_next();
    co_await Interruption::wait();
  }

  // In a process that knows nothing but URLs and drop folders.
  Task<void> replay() {
    ChildProcess::Options child;
    child.arguments = {"replay", "--input", options_.input.string(), "--target",
                       hosting_.write_target().string()};
    child.output = ChildProcess::Output::lines;
    ChildProcess process(runtime_, std::move(child));
    while (const auto line = co_await process.read_line())
      fmt::print(stderr, "{}\n", *line);
    const int code = co_await process.wait();
    if (code == exit_done) co_return;
    throw Error(
        Condition::unavailable,
        fmt::format("the replay failed with code {}, as said above: mend that, then the same "
                    "command goes on where this one ended (log: {})",
                    code, log_file(options_.folder, "main").string()));
  }

  Task<void> show_books() {
    const auto statement =
        co_await audit_books(runtime_, options_.folder, provider_, rest_patience);
    if (options_.format == Format::json) {
      fmt::print("{}", sinew::to_pretty_text(books::to_json(statement)));
    } else {
      fmt::print("\n{}", statement_text(statement));
    }
    std::fflush(stdout);
    code_ = statement.balanced() ? exit_done : exit_unbalanced;
    compared_ = true;
  }

  void show_what_next() const {
    const std::filesystem::path here = std::filesystem::current_path();
    const std::string folder = options_.folder.lexically_proximate(here).string();
    const std::string config =
        options_.config.empty() ? "" : fmt::format(" --config {}", options_.config.string());
    const std::string sales = "http://" + to_string(hosting_.host().contexts()[0]->endpoint());
    // Beside JSON, standard output is for programs.
    std::FILE* out = options_.format == Format::json ? stderr : stdout;
    fmt::print(out,
               "\n{}\nTry next, in another terminal:\n"
               "  curl '{}/orders?limit=3'\n"
               "  {} saga list --limit 10 --folder {}\n"
               "  {} verify --folder {}{}\n\n"
               "Ctrl+C stops it; the same command again finds everything as it is.\n",
               url_block(hosting_.host()), sales, callable("sinew"), folder, callable("commerce"),
               folder, config);
    std::fflush(out);
  }

  sinew::async::Runtime& runtime_;
  const RunOptions& options_;
  Provider provider_;
  Interruption& interruption_;
  Hosting hosting_;
  bool compared_ = false;  // the books
  int code_ = exit_done;
};

}  // namespace

int run(RunOptions options) {
  options.folder = std::filesystem::absolute(options.folder).lexically_normal();
  options.input = std::filesystem::absolute(options.input).lexically_normal();
  if (!std::filesystem::is_directory(options.input)) {
    throw Error(Condition::not_found,
                fmt::format("the input folder {} does not exist: `tools/get-data` prepares "
                            "data/northwind; or name another with --input",
                            options.input.string()));
  }
  const Settings settings = load_settings(options.config, options.port);
  create_layout(options.folder);
  const FolderLock lock(options.folder);
  log_to(options.folder, "main", settings.log);
  sinew::async::WorkerGroup workers(worker_options(settings));
  Interruption interruption(workers.reactor(0));
  return work<int>(workers, [&](sinew::async::Reactor&) -> Task<int> {
    Run run(workers, options, settings, interruption);
    co_return co_await run.until_stopped();
  });
}

}  // namespace commerce::program
