#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>

#include "examples/commerce/program/commands.hpp"
#include "examples/commerce/program/folder_lock.hpp"
#include "examples/commerce/program/hosting.hpp"
#include "examples/commerce/program/interruption.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/program/logging.hpp"
#include "examples/commerce/program/settings.hpp"
#include "examples/commerce/program/url_block.hpp"
#include "examples/commerce/program/work.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/suggest.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;

// Contexts of one system in several processes need a broker that all of them reach.
void require_all(const std::vector<std::string>& contexts) {
  const std::vector<std::string> known(std::begin(context_names), std::end(context_names));
  for (const auto& context : contexts) {
    if (std::ranges::find(known, context) == known.end()) {
      throw Error(Condition::invalid_input,
                  fmt::format("--contexts: there is no context {}{}; there are {}", context,
                              sinew::did_you_mean(context, known), fmt::join(known, ", ")));
    }
  }
  const bool all = std::ranges::all_of(known, [&contexts](const std::string& name) {
    return contexts.empty() || std::ranges::find(contexts, name) != contexts.end();
  });
  if (all) return;
  throw Error(Condition::unsupported,
              "--contexts: the contexts of a system meet at its broker, and the embedded one lives "
              "in one process: serve all of them here (leave --contexts out); to split them, a "
              "networked broker must be configured, and this build has none");
}

Task<int> serve_until_stopped(sinew::async::WorkerGroup& workers, const ServeOptions& options,
                              const Settings& settings, Interruption& interruption) {
  Hosting hosting(workers, {options.folder, options.name, settings});
  const auto job = [&]() -> Task<void> {
    co_await hosting.start();
    fmt::print("{}\nCtrl+C stops it.\n", url_block(hosting.host()));
    std::fflush(stdout);
    co_await Interruption::wait();
  };
  co_await hosting.serve(interruption, job());
  co_return exit_done;
}

}  // namespace

int serve(ServeOptions options) {
  require_all(options.contexts);
  const Settings settings = load_settings(options.config, options.port);
  options.folder = std::filesystem::absolute(options.folder).lexically_normal();
  create_layout(options.folder);
  const FolderLock lock(options.folder);
  log_to(options.folder, options.name, settings.log);
  sinew::async::WorkerGroup workers(worker_options(settings));
  Interruption interruption(workers.reactor(0));
  return work<int>(workers, [&](sinew::async::Reactor&) {
    return serve_until_stopped(workers, options, settings, interruption);
  });
}

}  // namespace commerce::program
