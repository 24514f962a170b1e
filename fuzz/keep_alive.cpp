#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sinew/proxy/cluster/idle_time.hpp"

// Whatever an upstream sends as Keep-Alive: what is read is within its bounds, is the same when it
// is written in canonical form, and never keeps a connection longer than is configured.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono_literals;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  const auto found = sinew::proxy::parse_keep_alive(value);

  std::string again;
  if (found.timeout) {
    if (*found.timeout < 0s || *found.timeout > 24h) std::abort();
    again += "timeout=" + std::to_string(*found.timeout / 1s);
    sinew::proxy::IdleTime time;
    time.offered(*found.timeout);
    const auto limit = time.limit(60s, {});
    if (limit <= 0s || limit > 60s) std::abort();
  }
  if (found.max) {
    if (*found.max < 0 || *found.max > 1'000'000) std::abort();
    again += ",max=" + std::to_string(*found.max);
  }
  const auto same = sinew::proxy::parse_keep_alive(again);
  if (same.timeout != found.timeout || same.max != found.max) std::abort();
  return 0;
}
