#include "examples/commerce/program/url_block.hpp"

#include <fmt/format.h>

namespace commerce::program {

std::string url_block(const sinew::context::Host& host) {
  constexpr std::string_view line = "  {:<14}{}\n";
  std::string text;
  for (const sinew::context::ContextRunner* context : host.contexts())
    text += fmt::format(line, context->name(), "http://" + to_string(context->endpoint()));
  text += fmt::format(line, "operator API", "http://" + to_string(host.operator_endpoint()));
  text += fmt::format(line, "folder", host.settings().folder.string());
  return text;
}

}  // namespace commerce::program
