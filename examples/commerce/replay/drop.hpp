#pragma once

#include <filesystem>
#include <string>

#include "sinew/async/task.hpp"

namespace commerce::replay {

// Drops a file into a context's drop folder, unless it was taken from there before, and waits until
// the context took it. Errors: invalid_input when the context refused the file, with its reason;
// unavailable when the folder cannot be written; timeout.
sinew::Task<void> drop_file(std::filesystem::path folder, std::string name, std::string content);

}  // namespace commerce::replay
