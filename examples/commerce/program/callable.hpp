#pragma once

#include <string>
#include <string_view>

namespace commerce::program {

// How a program that lies beside this one can be called from the working folder: by its name where
// PATH leads to it, else by the shortest path.
std::string callable(std::string_view name);

}  // namespace commerce::program
