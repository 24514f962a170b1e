#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinew::cli {

// A file of cli/templates/context as it was built in: a context called `newcontext`.
struct TemplateFile {
  std::string_view path;
  std::string_view text;
};
std::span<const TemplateFile> context_template();

// Writes a project with a context of that name into the folder, which is made if it is missing, and
// gives the paths of its files there. Errors, after which nothing is left behind: invalid_input
// (the name is none of context::Context, or a word of C++, since it becomes a namespace), conflict
// (the folder has something in it, or is a file), unauthorized (it cannot be made or written),
// exhausted (the disk is full).
std::vector<std::string> write_context(const std::string& name,
                                       const std::filesystem::path& folder);

}  // namespace sinew::cli
