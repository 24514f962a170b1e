#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/secret.hpp"

namespace sinew::gateway {

// What is wrong with a certificate and its key, both PEM: one of them cannot be read (an encrypted
// key too), or the key is another certificate's. Nothing of either is repeated. Whether the
// certificate is valid now is not asked: that changes while a file stays the same.
std::vector<std::string> certificate_problems(std::string_view cert, const Secret& key);

}  // namespace sinew::gateway
