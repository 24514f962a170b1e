#include "examples/commerce/program/callable.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "sinew/base/config_environment.hpp"

namespace commerce::program {
namespace {

namespace fs = std::filesystem;

// The program that a shell would start under this name; empty: none.
fs::path found_on_path(std::string_view name) {
  const std::string path = sinew::process_environment("PATH").value_or("");
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const fs::path candidate = fs::path(rest.substr(0, end)) / name;
    std::error_code error;
    if (fs::is_regular_file(candidate, error)) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

}  // namespace

std::string callable(std::string_view name) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path() / name;
  if (fs::equivalent(found_on_path(name), program, error)) return std::string(name);
  const fs::path near = program.lexically_proximate(fs::current_path(error));
  return near.native().size() < program.native().size() ? near.string() : program.string();
}

}  // namespace commerce::program
