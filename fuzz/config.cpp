#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config.hpp"

namespace {

using namespace sinew;
using config::ByteSize;

struct Inner {
  Duration delay{1};
  ByteSize size;
  double share = 0;

  static void describe(config::Section<Inner>& section) {
    section.option("delay", &Inner::delay, "").range(Duration(1), Duration(1'000'000'000));
    section.option("size", &Inner::size, "");
    section.option("share", &Inner::share, "").range(0, 1);
  }
};

struct Outer {
  std::uint16_t port = 1;
  std::string name;
  std::vector<Inner> list;
  std::map<std::string, Inner> by_name;

  static void describe(config::Section<Outer>& section) {
    section.option("port", &Outer::port, "").range(1, 9);
    section.option("name", &Outer::name, "").length(0, 9);
    section.option("list", &Outer::list, "");
    section.option("by_name", &Outer::by_name, "");
  }
};

void check_lines(const config::Node& node, std::size_t lines) {
  if (node.position().line < 1 || node.position().line > lines) std::abort();
  for (const auto& child : node.children())
    check_lines(child, lines);
}

}  // namespace

// Any text is a tree whose lines are the text's, or has problems; what binds without problems is
// within its ranges.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t lines = 2;  // the end of the text may be a line of its own
  for (const char byte : text)
    lines += byte == '\n' || byte == '\r' ? 1 : 0;

  config::Problems problems;
  const auto root = config::parse_yaml(text, "fuzz", problems);
  check_lines(root, lines);
  const auto settings = config::read<Outer>(
      root, problems, [](const std::string&) { return std::optional<std::string>(); });
  if (problems.empty()) config::require_valid(settings, "bound settings");
  return 0;
}
