#include "sinew/messaging/allowed_senders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/messaging/test_consumer.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using Bench = ConsumerBench;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST(AllowedSenders, ParksWhatOthersSend) {
  Bench bench;
  AllowedSenders senders({{"test.happened", {"/test"}}, {"test.closed", {}}});
  bench.settings.middleware.add(senders);
  bench.begin();
  auto stranger = bench.message("stranger", "s");
  stranger.source = "/elsewhere";
  auto free = bench.message("free", "f");
  free.type = "test.other";
  free.source = "/elsewhere";
  auto closed = bench.message("closed", "c");
  closed.type = "test.closed";
  for (const auto& message : {stranger, free, closed, bench.message("friend", "g")})
    bench.publish(message);
  bench.run_for(1min);

  EXPECT_THAT(bench.effects_in_order(), UnorderedElementsAre("free", "friend"));
  ASSERT_THAT(bench.backlog(), SizeIs(2U));
  EXPECT_EQ(bench.backlog()[0].reason, "unauthorized");
  EXPECT_EQ(bench.backlog()[0].last_error,
            "invalid_input: /elsewhere may not send test.happened to billing");
}

}  // namespace
}  // namespace sinew::messaging
