#pragma once

#include <filesystem>

#include "sinew/async/descriptor.hpp"

namespace commerce::program {

// Makes this process the only one that runs a system's folder; ends with the process at the latest.
class FolderLock {
 public:
  // Errors: conflict (another process runs it, with its pid), unauthorized.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  sinew::async::Descriptor file_;
};

}  // namespace commerce::program
