#pragma once

#include <optional>
#include <string>

#include "sinew/async/task.hpp"
#include "sinew/proxy/cluster/cluster.hpp"

namespace sinew::proxy {

// What a probe found out: a status, or a signal where there is none. Neither: it could not be sent
// for a reason of ours (descriptors, cancellation), which says nothing of the endpoint.
struct ProbeResult {
  int status = 0;
  std::optional<HealthSignal> signal = {};
  std::string reason = {};  // of a failure, for the log
};

// Asks an endpoint once, on a connection of its own, until `deadline`: connects (tcp), or sends a
// GET and reads the head of the answer (http, https). An answer that HTTP does not allow, no
// handshake and no connection are tcp_failure. Throws nothing.
Task<ProbeResult> send_probe(const Probe& probe, const EndpointAddress& address, Instant deadline);

}  // namespace sinew::proxy
