#pragma once

#include <filesystem>

#include "examples/commerce/books/statement.hpp"
#include "examples/commerce/program/collect.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"

namespace commerce::program {

// Waits until the system is at rest, at most `wait`, and reconciles its books; what moved while
// they were read is read again. Errors: timeout (it does not come to rest: what moves), not_found,
// and those of opening the databases.
sinew::Task<books::Statement> audit_books(sinew::async::Runtime& runtime,
                                          std::filesystem::path folder, Provider provider,
                                          sinew::Duration wait);

}  // namespace commerce::program
