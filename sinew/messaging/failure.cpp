#include "sinew/messaging/failure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/messaging/middleware.hpp"
#include "sinew/resilience/retry.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::messaging {
namespace {

constexpr Duration pause_while_outbox_full = std::chrono::seconds(2);

bool repetition_may_help(Condition condition) {
  switch (condition) {
    case Condition::exhausted:
    case Condition::unavailable:
    case Condition::timeout:
    case Condition::conflict:
    case Condition::cancelled: return true;
    case Condition::invalid_input:
    case Condition::unauthorized:
    case Condition::not_found:
    case Condition::unsupported:
    case Condition::corrupt: return false;
  }
  return true;
}

std::string bounded(const Error& error) {
  std::string text = std::string(to_string(error.condition())) + ": " + error.detail();
  text.resize(std::min(text.size(), Failure::max_error_bytes));
  return text;
}

Failure counted(std::string error, std::int32_t attempt, const RetrySettings& settings) {
  if (attempt >= settings.max_attempts) {
    return {Verdict::park, "exhausted_retries", std::move(error)};
  }
  return {Verdict::retry, "failed", std::move(error)};
}

}  // namespace

void RetrySettings::describe(config::Section<RetrySettings>& section) {
  using namespace std::chrono_literals;
  section.option("max_attempts", &RetrySettings::max_attempts, "attempts, the first included")
      .range(1, 1'000);
  section.option("first_delay", &RetrySettings::first_delay, "longest wait before the second")
      .range(1ms, 1h);
  section.option("max_delay", &RetrySettings::max_delay, "longest wait of all").range(1ms, 24h);
  section
      .option("max_postponed", &RetrySettings::max_postponed,
              "time from the first postponement of a message to when it is parked")
      .range(1s, 30 * 24h);
}

std::vector<std::string> RetrySettings::violations() const {
  if (first_delay <= max_delay) return {};
  return {fmt::format("first_delay ({}) is above max_delay ({})",
                      config::format_duration(first_delay), config::format_duration(max_delay))};
}

Failure judge(const std::exception_ptr& failure, std::int32_t attempt, std::int32_t conflicts,
              const RetrySettings& settings) {
  try {
    std::rethrow_exception(failure);
  } catch (const Refused& refused) {
    return {Verdict::park, refused.reason(), bounded(refused)};
  } catch (const store::OutboxFull& full) {
    return {Verdict::postpone, "outbox_full", bounded(full), pause_while_outbox_full};
  } catch (const Postponed& postponed) {
    return {Verdict::postpone, "postponed", bounded(postponed), postponed.delay()};
  } catch (const Error& error) {
    const std::string text = bounded(error);
    if (error.condition() == Condition::cancelled) return {Verdict::hand_back, "cancelled", text};
    if (error.condition() == Condition::conflict && conflicts < max_immediate_conflicts) {
      return {Verdict::again, "conflict", text};
    }
    // A type, version or encoding that a newer program reads: not the message is wrong, but this
    // program too old.
    if (error.condition() == Condition::unsupported) return {Verdict::park, "unknown_type", text};
    if (!repetition_may_help(error.condition())) return {Verdict::park, "poison", text};
    return counted(text, attempt, settings);
  } catch (const std::exception& error) {
    std::string text = error.what();
    text.resize(std::min(text.size(), Failure::max_error_bytes));
    return counted(std::move(text), attempt, settings);
  } catch (...) {
    return counted("the handler threw something that is no exception type", attempt, settings);
  }
}

Duration retry_delay(const RetrySettings& settings, std::int32_t next, std::uint64_t random) {
  const resilience::RetrySettings pauses{.first_delay = settings.first_delay,
                                         .max_delay = settings.max_delay};
  return resilience::full_jitter(resilience::backoff(pauses, next - 1), random);
}

}  // namespace sinew::messaging
