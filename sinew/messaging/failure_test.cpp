#include "sinew/messaging/failure.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;

constexpr RetrySettings settings{.max_attempts = 3, .first_delay = 100ms, .max_delay = 1s};

std::exception_ptr thrown(Condition condition, const std::string& detail = "why") {
  return std::make_exception_ptr(Error(condition, detail));
}

TEST(Judge, DecidesByConditionAttemptAndConflicts) {
  struct {
    const char* name;
    std::exception_ptr failure;
    std::int32_t attempt;
    std::int32_t conflicts;
    Verdict verdict;
    const char* reason;
  } const rows[] = {
      {"exhausted", thrown(Condition::exhausted), 1, 0, Verdict::retry, "failed"},
      {"unavailable", thrown(Condition::unavailable), 1, 0, Verdict::retry, "failed"},
      {"timeout", thrown(Condition::timeout), 2, 0, Verdict::retry, "failed"},
      {"last attempt", thrown(Condition::timeout), 3, 0, Verdict::park, "exhausted_retries"},
      {"beyond", thrown(Condition::timeout), 4, 0, Verdict::park, "exhausted_retries"},
      {"conflict", thrown(Condition::conflict), 3, 9, Verdict::again, "conflict"},
      {"too many conflicts", thrown(Condition::conflict), 1, 10, Verdict::retry, "failed"},
      {"conflicts to the last", thrown(Condition::conflict), 3, 10, Verdict::park,
       "exhausted_retries"},
      {"cancelled", thrown(Condition::cancelled), 3, 0, Verdict::hand_back, "cancelled"},
      {"invalid input", thrown(Condition::invalid_input), 1, 0, Verdict::park, "poison"},
      {"unsupported", thrown(Condition::unsupported), 1, 0, Verdict::park, "unknown_type"},
      {"corrupt", thrown(Condition::corrupt), 1, 0, Verdict::park, "poison"},
      {"not found", thrown(Condition::not_found), 1, 0, Verdict::park, "poison"},
      {"unauthorized", thrown(Condition::unauthorized), 1, 0, Verdict::park, "poison"},
      {"another exception", std::make_exception_ptr(std::runtime_error("why")), 1, 0,
       Verdict::retry, "failed"},
      {"... at last", std::make_exception_ptr(std::runtime_error("why")), 3, 0, Verdict::park,
       "exhausted_retries"},
      {"no exception type", std::make_exception_ptr(17), 1, 0, Verdict::retry, "failed"},
  };
  for (const auto& row : rows) {
    const Failure failure = judge(row.failure, row.attempt, row.conflicts, settings);
    EXPECT_EQ(failure.verdict, row.verdict) << row.name;
    EXPECT_EQ(failure.reason, row.reason) << row.name;
    EXPECT_NE(failure.error, "") << row.name;
  }
}

TEST(Judge, KeepsTheSentenceWithinItsBound) {
  EXPECT_EQ(judge(thrown(Condition::timeout, "no answer"), 1, 0, settings).error,
            "timeout: no answer");
  const std::string endless(10'000, 'x');
  EXPECT_EQ(judge(thrown(Condition::timeout, endless), 1, 0, settings).error.size(), 2000U);
  EXPECT_EQ(
      judge(std::make_exception_ptr(std::runtime_error(endless)), 1, 0, settings).error.size(),
      2000U);
}

TEST(RetryDelay, DoublesItsCeilingUpToTheLongest) {
  struct {
    std::int32_t next;
    Duration ceiling;
  } const rows[] = {{2, 100ms}, {3, 200ms}, {4, 400ms}, {5, 800ms}, {6, 1s}, {7, 1s}, {1000, 1s}};
  for (const auto& row : rows) {
    EXPECT_EQ(retry_delay(settings, row.next, 0), 0s) << row.next;
    EXPECT_EQ(retry_delay(settings, row.next, UINT64_MAX / 2), row.ceiling / 2) << row.next;
    EXPECT_EQ(retry_delay(settings, row.next, UINT64_MAX), row.ceiling) << row.next;
  }
}

TEST(RetryDelay, DoesNotOverflowWithTheLongestSettings) {
  const RetrySettings longest{.max_attempts = 1000, .first_delay = 1h, .max_delay = 24h};
  EXPECT_EQ(retry_delay(longest, 1000, UINT64_MAX), 24h);
}

TEST(RetrySettings, RefuseAFirstDelayAboveTheLongest) {
  const RetrySettings wrong{.first_delay = 2s, .max_delay = 1s};

  EXPECT_THROW(config::require_valid(wrong, "retry"), Error);
  EXPECT_NO_THROW(config::require_valid(RetrySettings{}, "retry"));
}

}  // namespace
}  // namespace sinew::messaging
