#pragma once

#include <string>

#include "cli/output.hpp"

namespace sinew::cli {

std::string version_text(Format format);

}  // namespace sinew::cli
