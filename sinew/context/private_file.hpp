#pragma once

#include <filesystem>
#include <string_view>

#include "sinew/async/descriptor.hpp"

namespace sinew::context {

// Writes a small file that only its owner may read, whole or not at all; gives it, open. Locked
// when asked: by this process alone, from before it has its name, until the descriptor is closed or
// the process ends, however it ends. Errors: unavailable. Blocks.
enum class FileLock : bool { none, exclusive };
async::Descriptor write_private_file(const std::filesystem::path& path, std::string_view content,
                                     FileLock lock = FileLock::none);

}  // namespace sinew::context
