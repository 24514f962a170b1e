#include "cli/new_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <ranges>
#include <system_error>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 40;  // as context::Context::name() says
constexpr std::string_view template_name = "newcontext";
constexpr std::string_view template_class = "Newcontext";

// Words of C++23 that a name of small letters and digits could be, and names that are taken: a
// project's targets and namespaces have them.
constexpr std::array taken_words = std::to_array<std::string_view>(
    {"alignas",  "alignof",  "and",       "asm",       "auto",      "bitand",    "bitor",
     "bool",     "boost",    "break",     "case",      "catch",     "char",      "class",
     "compl",    "concept",  "const",     "consteval", "constexpr", "constinit", "continue",
     "contract", "decltype", "default",   "delete",    "do",        "double",    "else",
     "enum",     "explicit", "export",    "extern",    "false",     "float",     "for",
     "friend",   "goto",     "if",        "inline",    "install",   "int",       "long",
     "main",     "mutable",  "namespace", "new",       "noexcept",  "not",       "nullptr",
     "operator", "or",       "private",   "protected", "public",    "register",  "requires",
     "return",   "short",    "signed",    "sinew",     "sizeof",    "static",    "std",
     "struct",   "switch",   "template",  "test",      "testing",   "this",      "throw",
     "true",     "try",      "typedef",   "typeid",    "typename",  "union",     "unsigned",
     "using",    "virtual",  "void",      "volatile",  "while",     "xor"});

void check_name(const std::string& name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto fits = [&](char c) { return lower(c) || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > longest_name || !lower(name.front()) ||
      !std::ranges::all_of(name, fits)) {
    throw Error(
        Condition::invalid_input,
        fmt::format("\"{}\" cannot name a context: it prefixes types, queues and folders, so "
                    "it is a small letter, then up to {} small letters and digits, such as "
                    "orders",
                    name, longest_name - 1));
  }
  if (std::ranges::find(taken_words, name) != taken_words.end()) {
    throw Error(Condition::invalid_input,
                fmt::format("\"{0}\" cannot name a context: the name becomes a namespace and a "
                            "target, and {0} is a word of C++ or taken; choose another, such as "
                            "{0}s",
                            name));
  }
}

[[noreturn]] void cannot_write(const fs::path& path, std::error_code error) {
  const bool full = error == std::errc::no_space_on_device;
  throw Error(
      full ? Condition::exhausted : Condition::unauthorized,
      fmt::format("{} cannot be written: {}; nothing was left behind; {}, or choose another "
                  "place with --folder",
                  path.string(), error.message(), full ? "make room" : "change its rights"));
}

[[noreturn]] void is_a_file(const fs::path& path) {
  throw Error(Condition::conflict,
              fmt::format("{} is a file, and a project is a folder: choose another place with "
                          "--folder",
                          path.string()));
}

void check_folder(const fs::path& folder) {
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) is_a_file(folder);
  const bool empty = fs::is_empty(folder, error);
  if (error) cannot_write(folder, error);
  if (empty) return;
  throw Error(Condition::conflict,
              fmt::format("the folder {} has something in it, which is left as it is: choose a new "
                          "or empty one with --folder",
                          folder.string()));
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    result.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return result.append(text);
}

std::string named(std::string_view text, const std::string& name) {
  std::string type = name;
  type.front() = static_cast<char>(type.front() - 'a' + 'A');
  return replaced(replaced(text, template_name, name), template_class, type);
}

// What was made, in that order; undone unless it is kept.
class Made {
 public:
  Made() = default;
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    std::error_code ignored;
    for (const fs::path& path : paths_ | std::views::reverse)
      fs::remove(path, ignored);
  }

  void folder(const fs::path& path) {
    if (path.empty() || fs::is_directory(path)) return;
    folder(path.parent_path());
    std::error_code error;
    fs::create_directory(path, error);
    if (error == std::errc::file_exists) is_a_file(path);
    if (error) cannot_write(path, error);
    paths_.push_back(path);
  }
  void file(const fs::path& path, const std::string& text) {
    folder(path.parent_path());
    paths_.push_back(path);
    errno = 0;
    std::ofstream stream(path, std::ios::binary);
    stream << text;
    stream.close();
    if (!stream) cannot_write(path, {errno == 0 ? EIO : errno, std::generic_category()});
  }
  void keep() { paths_.clear(); }

 private:
  std::vector<fs::path> paths_;
};

}  // namespace

std::vector<std::string> write_context(const std::string& name, const fs::path& folder) {
  check_name(name);
  const fs::path target = fs::absolute(folder).lexically_normal();
  check_folder(target);
  Made made;
  std::vector<std::string> files;
  for (const TemplateFile& file : context_template()) {
    files.push_back(named(file.path, name));
    made.file(target / files.back(), named(file.text, name));
  }
  made.keep();
  return files;
}

}  // namespace sinew::cli
