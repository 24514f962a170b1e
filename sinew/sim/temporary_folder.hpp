#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew::sim {

// A folder that goes with the object; in memory where the system has such a place: what survives a
// power cut is not tested with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const bool in_memory = std::filesystem::is_directory(memory);
    const auto parent = in_memory ? memory : std::filesystem::temp_directory_path();
    std::string path = (parent / "sinew-test-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      throw Error(Condition::unavailable, "cannot create the folder " + path);
    }
    path_ = path;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace sinew::sim
