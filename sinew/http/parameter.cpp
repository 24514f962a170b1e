#include "sinew/http/parameter.hpp"

#include <fmt/core.h>

#include "sinew/base/utf8.hpp"

namespace sinew::http {

void refuse_parameter(std::string_view name, std::string_view text, std::string_view expected) {
  constexpr std::size_t kShown = 80;  // bytes of a stranger's text that an answer repeats
  throw Error(Condition::invalid_input, fmt::format("parameter {}: expected {}, got \"{}\"", name,
                                                    expected, utf8_prefix(text, kShown)));
}

}  // namespace sinew::http
