#include "sinew/event/timing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

using namespace std::chrono_literals;

const Timestamp now = parse_rfc3339("2026-05-04T10:30:00Z");

Envelope with(std::map<std::string, std::string> extensions) {
  Envelope envelope;
  envelope.extensions = std::move(extensions);
  return envelope;
}

TEST(Timing, ReadsWhatItWrote) {
  Envelope envelope;
  delay_by(envelope, now, 90s);
  expire_after(envelope, now, 2h);

  const Timing timing = timing_of(envelope);

  EXPECT_EQ(timing.not_before, now + 90s);
  EXPECT_EQ(timing.expires_at, now + 2h);
  EXPECT_EQ(envelope.extensions.at("expirytime"), "2026-05-04T12:30:00Z");
}

TEST(Timing, AMessageWithoutIsDeliveredWheneverSomebodyWaits) {
  const Timing timing = timing_of(with({{"tenant", "acme"}}));

  EXPECT_FALSE(timing.not_before);
  EXPECT_FALSE(timing.expires_at);
}

TEST(Timing, RefusesWhatCannotBeKept) {
  struct Row {
    const char* name;
    std::map<std::string, std::string> extensions;
    const char* sentence;
  };
  const Row rows[] = {
      {"no instant", {{"notbefore", "tomorrow"}}, "notbefore: is no instant"},
      {"seconds", {{"expirytime", "-5"}}, "expirytime: is no instant"},
      {"beyond the calendar", {{"expirytime", "10000-01-01T00:00:00Z"}}, "is no instant"},
      {"never deliverable",
       {{"notbefore", "2026-05-04T10:30:00Z"}, {"expirytime", "2026-05-04T10:30:00Z"}},
       "is not after notbefore"},
      {"priority", {{"priority", "9"}}, "priority: is unknown"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    try {
      timing_of(with(row.extensions));
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.condition(), Condition::invalid_input);
      EXPECT_THAT(error.detail(), testing::HasSubstr(row.sentence));
    }
  }
}

TEST(Timing, RefusesDelaysAndLivesOutOfRange) {
  Envelope envelope;
  EXPECT_NO_THROW(delay_by(envelope, now, 0s));
  EXPECT_NO_THROW(delay_by(envelope, now, max_delay));
  EXPECT_THROW(delay_by(envelope, now, -1ns), Error);
  EXPECT_THROW(delay_by(envelope, now, Duration::max()), Error);
  EXPECT_THROW(delay_by(envelope, now, Duration::min()), Error);
  EXPECT_NO_THROW(expire_after(envelope, now, 1us));
  EXPECT_THROW(expire_after(envelope, now, 0s), Error);
  EXPECT_THROW(expire_after(envelope, now, -1s), Error);
  EXPECT_THROW(expire_after(envelope, now, max_delay + 1ns), Error);
}

}  // namespace
}  // namespace sinew::event
