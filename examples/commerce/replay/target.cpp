#include "examples/commerce/replay/target.hpp"

#include <fmt/format.h>

#include "examples/commerce/replay/table.hpp"
#include "sinew/base/error.hpp"

namespace commerce::replay {

Target read_target(const std::filesystem::path& file) {
  try {
    return sinew::from_json<Target>(sinew::parse_json(read_file(file)), sinew::ReadMode::strict);
  } catch (const sinew::Error& error) {
    if (error.condition() != sinew::Condition::invalid_input) throw;
    throw sinew::Error(error.condition(), fmt::format("{}: {}", file.string(), error.detail()));
  }
}

}  // namespace commerce::replay
