#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/net/resolver.hpp"

namespace sinew::net {

struct DnsOptions {
  // Servers to ask, "10.0.0.53,10.0.0.54:5353"; empty: those of /etc/resolv.conf.
  std::string servers = {};
  Duration timeout = std::chrono::seconds(2);  // of the first try; later ones wait longer
  int tries = 2;                               // of each server
  std::size_t max_lookups = 64;                // at once; `exhausted` above

  static void describe(config::Section<DnsOptions>& section);
};

// Resolves by /etc/hosts and DNS (c-ares) on a real runtime, without blocking it. IPv4 and IPv6, in
// RFC 6724's order. Caches nothing: connections are pooled by their users, and a name server nearby
// caches better. A simulated runtime can watch no socket: names end in `unsupported` there.
class DnsResolver final : public Resolver {
 public:
  // Throws Error invalid_input when `servers` is no such list.
  explicit DnsResolver(DnsOptions options = {});

  Task<Answer> look_up(std::string host) override;

 private:
  DnsOptions options_;
  std::size_t lookups_ = 0;
};

}  // namespace sinew::net
