#pragma once

#include <vector>

#include "sinew/gateway/compile/tls_contexts.hpp"
#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/process_settings.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::gateway {

// The listeners of proxy_listen with what `sinew.listeners` says of them. Those with TLS have their
// context; null where there is an error.
std::vector<proxy::ListenerSettings> listeners_of(const Configuration& configuration,
                                                  const ProcessSettings& process, TlsContexts& tls,
                                                  Findings& findings);

// An address with a port, and ranges of addresses, as values; the texts were checked when they were
// read.
async::Endpoint endpoint_of(const ListenAddress& address);
proxy::AddressRange range_of(const AddressRange& range);

}  // namespace sinew::gateway
