#include <gtest/gtest.h>

#include <array>
#include <cstddef>

#include "sinew/base/log_sink.hpp"
#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"
#include "sinew/proxy/observe/request_identity.hpp"
#include "sinew/proxy/observe/test_exchange.hpp"
#include "sinew/wire/test_parsed.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::proxy {
namespace {

using sinew::test::allocations;
using wire::test::ParsedRequest;

TEST(ObserveAllocations, NoneForAnIdentity) {
  const ParsedRequest request(
      "Host: shop\r\nX-Request-Id: order-4711-and-more-than-a-small-string-holds\r\n"
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
      "tracestate: vendor=more-than-a-small-string-holds-in-its-own-buffer\r\n");
  RequestIdentity identity;
  std::array<std::byte, 512> scratch;
  const auto before = allocations.load();

  for (const bool trusted : {true, false}) {
    identity.fill(request.head(), request.bytes(), trusted, {1, 2, 3, 4, 5});
    wire::OutgoingHead out(request.head(), request.bytes(), scratch);
    identity.put_into(out);
    ASSERT_TRUE(out.pieces());
  }

  EXPECT_EQ(allocations.load(), before);
}

TEST(ObserveAllocations, NoneForALineOfTheLogAlsoWhenTheBufferIsFull) {
  const log::Capture quiet(log::Level::off);  // the log's thread would say what it dropped
  AccessLog log({.target = "/dev/null", .buffer_bytes = std::size_t{64} << 10U}, 1);
  const test::Exchange exchange;
  log.worker(0).write(exchange.record);
  const auto before = allocations.load();

  for (int i = 0; i < 50'000; ++i)
    log.worker(0).write(exchange.record);

  EXPECT_EQ(allocations.load(), before);
}

TEST(ObserveAllocations, NoneForCountingAfterTheFirstOfARoute) {
  ProxyMetrics metrics(1);
  const test::Exchange exchange;
  metrics.worker(0).count(exchange.record);
  const auto before = allocations.load();

  for (int i = 0; i < 1'000; ++i)
    metrics.worker(0).count(exchange.record);

  EXPECT_EQ(allocations.load(), before);
}

}  // namespace
}  // namespace sinew::proxy
