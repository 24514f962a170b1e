#pragma once

#include "sinew/gateway/process/gateway_options.hpp"

namespace CLI {
class App;
}

namespace sinew::cli {

// The options of a gateway that runs, as `sinew gateway` and `sinew-proxy` have them.
void add_gateway_options(CLI::App& command, gateway::GatewayOptions& options);

}  // namespace sinew::cli
