#pragma once

#include <string>

#include "sinew/base/error.hpp"

namespace sinew::async {

// An Error for a failed system call on sockets and descriptors: the condition from errno, `what`
// and the system's own words as its detail. Nothing was applied: it is for set-up, not transfer.
Error socket_error(const std::string& what, int error_number);

}  // namespace sinew::async
