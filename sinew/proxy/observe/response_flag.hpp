#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sinew::proxy {

// Why an exchange did not go the way its client meant it to: one vocabulary for the access log, the
// metrics and the answer's field Sinew-Response-Flags. Codes are Envoy's (%RESPONSE_FLAGS%) where
// it has one.
enum class ResponseFlag : std::uint8_t {
  // the client
  malformed_request,  // DPE: it breaks the protocol; 400, 417, 421, 501, 505
  request_too_large,  // RTL: a bound on line, fields or body; 413, 414, 431
  request_timeout,    // RT: head or body came too slowly; 408
  client_gone,        // DC: it closed or reset the connection before it had the answer
  client_stalled,     // SI: it did not take the answer in time
  // this proxy
  no_route,         // NR: 404
  wrong_scheme,     // WS: http on a route of https alone; 426 or a redirect
  overloaded,       // OM: shed early, so that the rest is served in time; 503
  draining,         // DR: came after the end was announced; 503
  filter_answered,  // FA: a filter answered instead of the upstream
  internal_error,   // IE: 500
  // the way to an upstream
  no_healthy_upstream,  // UH: no endpoint that may be chosen; 503
  upstream_overflow,    // UO: a limit of the cluster; 503
  connect_failed,       // UF: refused, unreachable, no TLS; 502 (503 with Kong's balancer)
  // the upstream
  upstream_closed,     // UC: it ended the connection before the answer was whole
  upstream_reset,      // UR: it reset it
  upstream_malformed,  // UPE: what it sent is no HTTP answer; 502
  upstream_timeout,    // UT: no answer in the time of the route; 504
  retries_exhausted,   // URX: and every retry that was allowed had been made
};
inline constexpr std::size_t kResponseFlags = 19;

std::string_view to_string(ResponseFlag flag) noexcept;  // no_route
std::string_view code_of(ResponseFlag flag) noexcept;    // NR

// The flags of one exchange.
class ResponseFlags {
 public:
  void set(ResponseFlag flag) noexcept { bits_ |= bit(flag); }
  bool has(ResponseFlag flag) const noexcept { return (bits_ & bit(flag)) != 0; }
  bool empty() const noexcept { return bits_ == 0; }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::uint32_t left = bits_; left != 0; left &= left - 1) {
      visit(static_cast<ResponseFlag>(std::countr_zero(left)));
    }
  }

 private:
  static std::uint32_t bit(ResponseFlag flag) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(flag);
  }
  static_assert(kResponseFlags <= 32);
  std::uint32_t bits_ = 0;
};

// The codes, "UF,URX", in the order of the enumeration; cut where `out` ends.
std::string_view write_codes(ResponseFlags flags, std::span<char> out) noexcept;

}  // namespace sinew::proxy
