#pragma once

#include <string>

#include "sinew/context/host.hpp"

namespace commerce::program {

// Where everything is, aligned: each context, the operator API, the folder.
std::string url_block(const sinew::context::Host& host);

}  // namespace commerce::program
