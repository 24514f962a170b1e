#pragma once

#include <string>
#include <vector>

#include "sinew/async/stream.hpp"

namespace sinew::async {

// A process that listens.
struct PortHolder {
  int process = 0;   // 0: another user's, which cannot be told
  std::string name;  // as ps shows it; may be empty

  friend bool operator==(const PortHolder&, const PortHolder&) = default;
};
std::string to_string(const PortHolder& holder);  // process 4711 (nginx), another user's process

// Who listens on `endpoint` by TCP, or on a wildcard that includes it; of a wildcard, on any
// address of its port. Each process once, this one too. As Linux tells it under /proc (proc(5)):
// for the sentence in which an address in use is refused, which need not be quick or certain.
// Throws Error invalid_input when the address is not numeric.
std::vector<PortHolder> port_holders(const Endpoint& endpoint);

}  // namespace sinew::async
