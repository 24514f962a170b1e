#pragma once

#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"

// Deadline arithmetic. A deadline is an Instant, Instant::max() is none. Nothing overflows.
namespace sinew::resilience {

// `timeout` from now on; a negative one has passed already.
Instant deadline_in(Duration timeout, Instant now) noexcept;

// What is left, never negative; Duration::max() without a deadline.
Duration remaining(Instant deadline, Instant now) noexcept;

inline bool expired(Instant deadline, Instant now) noexcept { return deadline <= now; }

struct TimeoutSettings {
  Duration attempt = std::chrono::seconds(3);
  Duration total = std::chrono::seconds(10);  // all attempts and the delays between them

  static void describe(config::Section<TimeoutSettings>& section);
  std::vector<std::string> violations() const;

  // The deadline of an attempt that begins now, never after that of the operation.
  Instant attempt_deadline(Instant now, Instant operation_deadline) const noexcept;
};

}  // namespace sinew::resilience
