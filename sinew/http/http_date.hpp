#pragma once

#include <string>

#include "sinew/base/time.hpp"

namespace sinew::http {

// IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7), for the years 1 to 9999.
std::string to_http_date(Timestamp time);

}  // namespace sinew::http
