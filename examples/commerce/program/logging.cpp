#include "examples/commerce/program/logging.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "examples/commerce/program/layout.hpp"
#include "sinew/base/log.hpp"

namespace commerce::program {

namespace {

// As many as help: a core each, at most one a context.
std::size_t useful_workers() {
  return std::clamp<std::size_t>(
      static_cast<std::size_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L)), 1,
      std::size(context_names));
}

}  // namespace

void log_to(const std::filesystem::path& folder, std::string_view process,
            const sinew::log::Settings& settings) {
  sinew::log::log_to_file(log_file(folder, process), settings);
}

sinew::async::WorkerGroup::Options worker_options(const Settings& settings) {
  sinew::async::WorkerGroup::Options options;
  options.workers = settings.workers.value_or(useful_workers());
  options.on_stall = [](const sinew::async::Stall& stall) {
    sinew::log::warn(
        "a worker stalls",
        {{"handler", stall.handler},
         {"worker", stall.worker},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(stall.duration).count()}});
  };
  return options;
}

}  // namespace commerce::program
