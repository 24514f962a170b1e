#include "sinew/base/trace.hpp"

#include <gtest/gtest.h>

namespace sinew {
namespace {

constexpr const char* sample = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, HeaderGoesBothWays) {
  const auto context = TraceContext::parse(sample, "congo=t61rcWkgMzE");

  ASSERT_TRUE(context);
  EXPECT_TRUE(context->valid());
  EXPECT_TRUE(context->sampled());
  EXPECT_EQ(trace_id_text(*context), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(span_id_text(*context), "b7ad6b7169203331");
  EXPECT_EQ(context->traceparent(), sample);
  EXPECT_EQ(context->tracestate(), "congo=t61rcWkgMzE");
}

TEST(TraceContext, RefusesWhatTheSpecificationRefuses) {
  for (const char* text : {
           "",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "0-00af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
           "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
           " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
       }) {
    EXPECT_EQ(TraceContext::parse(text), std::nullopt) << text;
  }
}

TEST(TraceContext, TakesTheKnownFieldsOfLaterVersions) {
  for (const char* text :
       {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-"}) {
    const auto context = TraceContext::parse(text);
    ASSERT_TRUE(context) << text;
    EXPECT_EQ(context->traceparent(), sample) << text;
  }
}

TEST(TraceContext, KeepsOnlyTheFlagItKnows) {
  const auto context =
      TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe");

  ASSERT_TRUE(context);
  EXPECT_FALSE(context->sampled());
  EXPECT_TRUE(context->traceparent().ends_with("-00"));
}

TEST(TraceContext, DropsTracestateItWillNotCarry) {
  const std::string longest(TraceContext::max_tracestate, 'x');

  EXPECT_EQ(TraceContext::parse(sample, longest)->tracestate(), longest);
  EXPECT_EQ(TraceContext::parse(sample, longest + "x")->tracestate(), "");
  EXPECT_EQ(TraceContext::parse(sample, "a=1\r\nx: y")->tracestate(), "");
}

TEST(TraceContext, AChildStaysInItsTrace) {
  const auto parent = TraceContext::parse(sample, "a=1");

  const TraceContext child = parent->child(0x0102030405060708);

  EXPECT_EQ(child.traceparent(), "00-0af7651916cd43dd8448eb211c80319c-0102030405060708-01");
  EXPECT_EQ(child.tracestate(), "a=1");
  EXPECT_FALSE(TraceContext().child(7).valid());
}

TEST(TraceContext, StartsATraceThatIsNeverZero) {
  const TraceContext context = TraceContext::start(0, 0, 0, false);

  EXPECT_TRUE(context.valid());
  EXPECT_TRUE(TraceContext::parse(context.traceparent()));
  EXPECT_EQ(TraceContext::start(1, 2, 3, true).traceparent(),
            "00-00000000000000010000000000000002-0000000000000003-01");
  EXPECT_EQ(TraceContext().traceparent(), "");
}

}  // namespace
}  // namespace sinew
