#include "examples/commerce/program/logging.hpp"

#include <chrono>

#include "examples/commerce/program/hosting.hpp"
#include "examples/commerce/program/layout.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/log_sink.hpp"

namespace commerce::program {

void log_to(const std::filesystem::path& folder, std::string_view process) {
  sinew::log::root().set_sink(
      sinew::log::file_sink(log_file(folder, process), sinew::log::Format::text));
}

sinew::async::WorkerGroup::Options worker_options() {
  sinew::async::WorkerGroup::Options options;
  options.workers = worker_count();
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
