#pragma once

#include <string_view>

#include "sinew/proxy/cluster/cluster.hpp"

// What is told of an endpoint that changes its state: a line in the log and a count. Whoever got
// the transition calls it, once; any thread.
namespace sinew::proxy {

// `source`: traffic or a probe; `reason`: what a probe failed by.
void note_transition(Cluster& cluster, const Endpoint& endpoint, const HealthTransition& transition,
                     std::string_view source, std::string_view reason = {}) noexcept;
void note_ejection(Cluster& cluster, const Endpoint& endpoint, const EjectionEvent& event) noexcept;
// `cause`: what ended its ejection.
void note_readmission(Cluster& cluster, const Endpoint& endpoint, std::string_view cause) noexcept;

}  // namespace sinew::proxy
