#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sinew::cli {

// What to say of the first word of a command line that stands where a subcommand should and is
// none, or is an option that its command does not have, with what was probably meant; empty when
// all of them are known.
std::string misspelling(const CLI::App& program, const std::vector<std::string>& arguments);

}  // namespace sinew::cli
