#pragma once

#include "sinew/http/router.hpp"

namespace sinew::context {

class Host;

// What operators and their tools ask a running host, on loopback. /health, /ready and /metrics are
// open; everything under /v1 wants `Authorization: Bearer <token of operator.token>`.
http::Router operator_routes(Host& host);

}  // namespace sinew::context
