#pragma once

#include "sinew/gateway/process/gateway_options.hpp"

namespace sinew::gateway {

// Runs the gateway until it is told to end; what `sinew-proxy` does. In a process of its own: it
// takes the signals, drops privileges and sets the log.
//
// SIGHUP reads the configuration again, SIGUSR1 opens the log files again, SIGTERM and SIGINT
// drain; a second one of them ends at once.
//
// Gives the exit code: 0 after a drain, 1 when something refused it (an address in use, rights), 2
// when the configuration has errors; standard error says why, every error of the configuration.
int run_gateway(const GatewayOptions& options);

}  // namespace sinew::gateway
