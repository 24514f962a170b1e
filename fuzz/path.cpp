#include "sinew/wire/path.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "sinew/wire/chars.hpp"

// The canonical form of any text is a path a request line can contain, without dot segments, and
// its own canonical form. The first byte of the input chooses the rules.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sinew::wire;
  using Escaped = PathRules::Escaped;
  if (size == 0) return 0;
  PathRules rules;
  rules.merge_slashes = (data[0] & 1U) != 0;
  rules.separators = (data[0] & 2U) != 0 ? Escaped::keep : Escaped::refuse;
  rules.parameters = (data[0] & 4U) != 0 ? Escaped::keep : Escaped::refuse;
  const std::string_view path(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::vector<char> out(3 * path.size() + 1);
  const auto first = canonical_path(path, rules, out);
  if (!first) {
    if (first.error() != Fault::bad_target) std::abort();
    return 0;
  }
  const std::string text(first->text);
  if (!text.starts_with('/') || !all(text, kPath)) std::abort();
  if ((text + "/").find("/../") != std::string::npos) std::abort();
  if ((text + "/").find("/./") != std::string::npos) std::abort();
  const auto second = canonical_path(text, rules, out);
  if (!second || second->changed) std::abort();
  return 0;
}
