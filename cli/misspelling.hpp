#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sinew::cli {

// What to say of the first word of a command line that stands where a subcommand should and is
// none, with the one that was probably meant; empty when every subcommand is known.
std::string unknown_subcommand(const CLI::App& program, const std::vector<std::string>& arguments);

}  // namespace sinew::cli
