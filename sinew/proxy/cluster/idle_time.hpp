#pragma once

#include <optional>
#include <string_view>

#include "sinew/base/instant.hpp"

namespace sinew::proxy {

// What a Keep-Alive field says (RFC 2068, 19.7.1.1): how long the peer keeps an idle connection,
// and how many more requests it takes on it.
struct KeepAlive {
  std::optional<Duration> timeout = {};  // whole seconds, at most a day
  std::optional<int> max = {};           // at most a million
};

// Reads a field's value, `timeout=5, max=100`. What it does not know, or cannot read, is as if it
// were not there. Any bytes.
KeepAlive parse_keep_alive(std::string_view value) noexcept;

// How long an idle connection may be used again, below the time after which its peer closes it: a
// request that is sent while the peer closes gets no answer, and nobody knows whether it was
// processed. Learned from what the peer says, and from when it closes.
//
// Restarts close connections of any idle time, so one close teaches nothing: two in a row after
// about the same time do, for ten minutes, since the peer may be configured anew.
class IdleTime {
 public:
  static constexpr Duration kForgetAfter = std::chrono::minutes(10);
  static constexpr Duration kLeast = std::chrono::milliseconds(100);  // learned, however short

  // A Keep-Alive field came: it holds until the next.
  void offered(Duration timeout) noexcept { offered_ = timeout; }
  // The peer closed a connection that had been idle for so long.
  void closed_after(Duration idle, Instant now) noexcept;

  // At most `configured`.
  Duration limit(Duration configured, Instant now) const noexcept;

 private:
  Duration offered_ = Duration::max();
  Duration last_close_ = Duration::zero();  // no two in a row that agree, yet
  Duration observed_ = Duration::max();
  Instant observed_at_ = {};
};

}  // namespace sinew::proxy
