#include "sinew/messaging/middleware.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sinew::messaging {
namespace {

constexpr std::size_t longest_reason = 40;

bool is_reason(std::string_view reason) {
  return !reason.empty() && reason.size() <= longest_reason &&
         std::ranges::all_of(reason, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

std::string checked_reason(std::string reason) {
  if (is_reason(reason)) return reason;
  throw Error(Condition::invalid_input,
              fmt::format("\"{}\" is no reason to refuse a message: 1 to {} of a-z 0-9 _",
                          reason.substr(0, longest_reason), longest_reason));
}

Duration checked_delay(Duration delay) {
  if (delay >= std::chrono::milliseconds(1) && delay <= Postponed::longest) return delay;
  throw Error(Condition::invalid_input,
              fmt::format("a message is postponed by 1 ms to 24 h, not by {} ms",
                          std::chrono::duration_cast<std::chrono::milliseconds>(delay).count()));
}

}  // namespace

std::string_view to_string(Outcome::What what) noexcept {
  switch (what) {
    case Outcome::What::handled: return "handled";
    case Outcome::What::duplicate: return "duplicate";
    case Outcome::What::behind: return "behind";
    case Outcome::What::retried: return "retried";
    case Outcome::What::postponed: return "postponed";
    case Outcome::What::parked: return "parked";
    case Outcome::What::returned: return "returned";
  }
  return "handled";
}

Refused::Refused(std::string reason, const std::string& detail)
    : Error(Condition::invalid_input, detail), reason_(checked_reason(std::move(reason))) {}

Postponed::Postponed(Duration delay, const std::string& detail)
    : Error(Condition::unavailable, detail), delay_(checked_delay(delay)) {}

}  // namespace sinew::messaging
