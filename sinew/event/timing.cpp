#include "sinew/event/timing.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

constexpr const char* not_before_name = "notbefore";
constexpr const char* expires_at_name = "expirytime";
constexpr const char* priority_name = "priority";

std::optional<Timestamp> instant_of(const Envelope& envelope, const char* name) {
  const auto found = envelope.extensions.find(name);
  if (found == envelope.extensions.end()) return std::nullopt;
  const auto instant = try_parse_rfc3339(found->second);
  if (!instant) {
    throw DocumentError({{name, "is no instant in RFC 3339, such as 2026-05-04T10:30:00Z"}});
  }
  return instant;
}

void check_duration(std::string_view what, Duration duration, Duration shortest) {
  if (duration >= shortest && duration <= max_delay) return;
  throw Error(Condition::invalid_input, fmt::format("a {} of {} ms: from {} to {} h are allowed",
                                                    what, duration / std::chrono::milliseconds(1),
                                                    shortest == Duration::zero() ? "0" : "1 us",
                                                    max_delay / std::chrono::hours(1)));
}

std::string after(Timestamp now, Duration duration) {
  return to_rfc3339(now + std::chrono::ceil<Timestamp::duration>(duration));
}

}  // namespace

Timing timing_of(const Envelope& envelope) {
  if (envelope.extensions.empty()) return {};
  if (envelope.extensions.contains(priority_name)) {
    throw DocumentError({{priority_name,
                          "is unknown: queues keep the order of acceptance; give what is urgent a "
                          "queue of its own"}});
  }
  const Timing timing{instant_of(envelope, not_before_name), instant_of(envelope, expires_at_name)};
  if (timing.not_before && timing.expires_at && *timing.expires_at <= *timing.not_before) {
    throw DocumentError({{expires_at_name, "is not after notbefore: it would never be delivered"}});
  }
  return timing;
}

bool delayed(const Envelope& envelope) noexcept {
  return envelope.extensions.contains(not_before_name);
}

void delay_by(Envelope& envelope, Timestamp now, Duration delay) {
  check_duration("delay", delay, Duration::zero());
  envelope.extensions[not_before_name] = after(now, delay);
}

void expire_after(Envelope& envelope, Timestamp now, Duration life) {
  check_duration("life", life, std::chrono::microseconds(1));
  envelope.extensions[expires_at_name] = after(now, life);
}

}  // namespace sinew::event
