#include "sinew/messaging/failure.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;

constexpr RetrySettings settings{.max_attempts = 3, .initial = 100ms, .longest = 1s};

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
      {"unsupported", thrown(Condition::unsupported), 1, 0, Verdict::park, "poison"},
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
  const std::uint64_t almost = UINT64_MAX;
  for (const std::int32_t next : {2, 3, 4, 5, 6, 7, 64, 1000}) {
    Duration ceiling = 100ms;
    for (std::int32_t i = 2; i < next && ceiling < 1s; ++i)
      ceiling *= 2;
    ceiling = std::min<Duration>(ceiling, 1s);
    const auto count = static_cast<std::uint64_t>(ceiling.count());

    EXPECT_EQ(retry_delay(settings, next, 0), Duration(1)) << next;
    EXPECT_EQ(retry_delay(settings, next, count - 1), ceiling) << next;
    EXPECT_LE(retry_delay(settings, next, almost), ceiling) << next;
  }
}

TEST(RetryDelay, DoesNotOverflowWithTheLongestSettings) {
  const RetrySettings longest{.max_attempts = 1000, .initial = 1h, .longest = 24h};
  EXPECT_EQ(retry_delay(longest, 1000, static_cast<std::uint64_t>(Duration(24h).count()) - 1), 24h);
}

}  // namespace
}  // namespace sinew::messaging
