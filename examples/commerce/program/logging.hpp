#pragma once

#include <filesystem>
#include <string_view>

#include "sinew/async/worker.hpp"

namespace commerce::program {

// Sends the log of this process to <folder>/log/<process>.log; the terminal stays quiet. Error
// unavailable.
void log_to(const std::filesystem::path& folder, std::string_view process);

// Workers for the contexts; one that stalls is logged with the name of what stalls it.
sinew::async::WorkerGroup::Options worker_options();

}  // namespace commerce::program
