#pragma once

#include <system_error>

namespace sinew::tls {

// OpenSSL's code of an error, and its verdict on the peer's certificate, as ours.
std::error_code reason_of(unsigned long vendor_reason, long verification) noexcept;

}  // namespace sinew::tls
