#pragma once

#include <filesystem>
#include <string_view>

#include "examples/commerce/program/settings.hpp"
#include "sinew/async/worker.hpp"

namespace commerce::program {

// Sends the log of this process to <folder>/log/<process>.log; the terminal stays quiet. Error
// unavailable.
void log_to(const std::filesystem::path& folder, std::string_view process,
            const sinew::log::Settings& settings);

// Workers for the contexts, as configured; one that stalls is logged with the name of what stalls
// it.
sinew::async::WorkerGroup::Options worker_options(const Settings& settings);

}  // namespace commerce::program
