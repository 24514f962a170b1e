#pragma once

#include <string>

#include "examples/commerce/books/statement.hpp"

namespace commerce::program {

// The books for people: every figure, the laws, and whatever is off or was left out with its
// reason.
std::string statement_text(const books::Statement& statement);

}  // namespace commerce::program
