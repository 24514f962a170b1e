#include "sinew/messaging/message_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/messaging/test_consumer.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using Bench = ConsumerBench;
using testing::HasSubstr;

TEST(MessageMetrics, CountsByTypeAndOutcome) {
  Bench bench;
  metrics::Registry registry;
  MessageMetrics metrics(bench.process.node(), registry);
  bench.settings.middleware.add(metrics);
  bench.script.fail("a", Condition::unavailable);
  bench.begin();
  bench.publish("a", "k");
  bench.publish("b", "l");
  bench.run_for(30s);
  for (int i = 0; i < 150; ++i) {
    auto message = bench.message("c", "l");
    message.type = "test.kind" + std::to_string(i);
    bench.publish(message);
  }
  bench.run_for(30s);

  const std::string text = registry.expose();
  const auto line = [](const char* type, const char* outcome, int count) {
    return "sinew_messages_handled_total{consumer=\"billing\",type=\"" + std::string(type) +
           "\",outcome=\"" + outcome + "\"} " + std::to_string(count) + "\n";
  };
  EXPECT_THAT(text, HasSubstr(line("test.happened", "retried", 1)));
  EXPECT_THAT(text, HasSubstr(line("test.happened", "handled", 2)));
  EXPECT_THAT(text, HasSubstr(line("other", "handled", 51))) << "of more types than are told apart";
  EXPECT_THAT(text, HasSubstr("sinew_message_seconds_count{consumer=\"billing\","
                              "type=\"test.happened\"} 3\n"));
}

}  // namespace
}  // namespace sinew::messaging
