#include "sinew/base/id.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::detail {

void check_id_text(std::string_view text) {
  if (!text.empty() && text.size() <= max_id_length) return;
  throw Error(Condition::invalid_input,
              fmt::format("expected an id of 1 to {} bytes, got {}", max_id_length, text.size()));
}

}  // namespace sinew::detail
