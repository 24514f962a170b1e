#pragma once

#include <chrono>
#include <string>

#include "sinew/tls/certificate.hpp"

namespace sinew::tls {

// A certificate that nobody vouches for, with a key of its own (P-256) that is in this process
// only: for a server that must show something and was given nothing. Valid from an hour ago, for
// clocks that go wrong. Throws Error exhausted when OpenSSL has no randomness or memory to give.
Certificate self_signed_certificate(const std::string& common_name, Timestamp now,
                                    std::chrono::days lifetime = std::chrono::days(3650));

}  // namespace sinew::tls
