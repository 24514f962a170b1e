#include "sinew/messaging/failure.hpp"

#include <algorithm>

#include "sinew/base/error.hpp"

namespace sinew::messaging {
namespace {

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

Failure counted(std::string error, std::int32_t attempt, const RetrySettings& settings) {
  if (attempt >= settings.max_attempts) {
    return {Verdict::park, "exhausted_retries", std::move(error)};
  }
  return {Verdict::retry, "failed", std::move(error)};
}

}  // namespace

Failure judge(const std::exception_ptr& failure, std::int32_t attempt, std::int32_t conflicts,
              const RetrySettings& settings) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    std::string text = std::string(to_string(error.condition())) + ": " + error.detail();
    text.resize(std::min(text.size(), Failure::max_error_bytes));
    if (error.condition() == Condition::cancelled) return {Verdict::hand_back, "cancelled", text};
    if (error.condition() == Condition::conflict && conflicts < max_immediate_conflicts) {
      return {Verdict::again, "conflict", text};
    }
    if (!repetition_may_help(error.condition())) return {Verdict::park, "poison", text};
    return counted(std::move(text), attempt, settings);
  } catch (const std::exception& error) {
    std::string text = error.what();
    text.resize(std::min(text.size(), Failure::max_error_bytes));
    return counted(std::move(text), attempt, settings);
  } catch (...) {
    return counted("the handler threw something that is no exception type", attempt, settings);
  }
}

Duration retry_delay(const RetrySettings& settings, std::int32_t next, std::uint64_t random) {
  Duration ceiling = settings.initial;
  for (std::int32_t i = 2; i < next && ceiling < settings.longest; ++i)
    ceiling *= 2;
  ceiling = std::min(ceiling, settings.longest);
  const auto range = static_cast<std::uint64_t>(std::max<Duration::rep>(ceiling.count(), 1));
  return Duration(static_cast<Duration::rep>(random % range) + 1);
}

}  // namespace sinew::messaging
