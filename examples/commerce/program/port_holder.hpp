#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace commerce::program {

// Who listens on that TCP port of this machine: `process 4711 (nginx)`, or `another user's process`
// where it cannot be told; nothing when nobody does. As Linux tells it under /proc (proc(5)).
std::optional<std::string> port_holder(std::uint16_t port);

}  // namespace commerce::program
