#pragma once

#include <memory>

#include "sinew/gateway/entities.hpp"
#include "sinew/gateway/process_settings.hpp"
#include "sinew/proxy/cluster/cluster.hpp"

// Kong's upstreams, and services that go to a host, as clusters of the engine.
namespace sinew::gateway {

// The pool of every cluster, by what kong.conf says of upstream_keepalive.
proxy::PoolSettings pool_settings(const ProcessSettings& process);

// `probing`: how active checks of https speak to the targets; null for the other kinds.
proxy::ClusterSettings cluster_of(const Upstream& upstream, const ProcessSettings& process,
                                  std::shared_ptr<const tls::ClientContext> probing);

// Of a service whose host is no upstream: one target, that host.
proxy::ClusterSettings cluster_of(const Service& service, const ProcessSettings& process);

// A name is written as a host is, a cluster of a service's own as `service:NAME`; the id stands
// where there is no name.
std::string name_or_id(const Name& name, const Uuid& id);

// What the Host field says where a route does not preserve the client's: Kong's host and the port
// unless it is the scheme's. Empty: that of the target which is chosen.
std::string upstream_host(const Service& service, const Upstream* upstream);

// A configured `host:port`, brackets of an IPv6 address taken away.
std::pair<std::string, std::uint16_t> split_address(const std::string& text);

}  // namespace sinew::gateway
