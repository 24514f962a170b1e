#pragma once

#include "sinew/proxy/cluster/cluster.hpp"

// What is told of an endpoint that changes its state: a line in the log and a count. Whoever got
// the transition calls it, once; any thread.
namespace sinew::proxy {

void note_transition(Cluster& cluster, const Endpoint& endpoint,
                     const HealthTransition& transition) noexcept;
void note_ejection(Cluster& cluster, const Endpoint& endpoint, const EjectionEvent& event) noexcept;
// `cause`: what ended its ejection.
void note_readmission(Cluster& cluster, const Endpoint& endpoint, std::string_view cause) noexcept;

}  // namespace sinew::proxy
