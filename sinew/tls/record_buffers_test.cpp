#include "sinew/tls/record_buffers.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <vector>

#include "sinew/tls/test_in_memory.hpp"
#include "tests/support/counted_allocations.hpp"

namespace sinew::tls {
namespace {

using namespace test;

const bool pooled = pool_record_buffers();  // before anything of OpenSSL is used

ServerOptions with_tickets() {
  ServerOptions options;
  options.ticket_keys = std::make_shared<TicketKeys>();
  return options;
}

TEST(RecordBuffers, DataInTheSteadyStateAllocatesNothing) {
  for (const char* suites : {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", ""}) {
    ServerOptions options = with_tickets();
    options.settings.suites = suites;
    if (options.settings.suites.empty()) options.settings.maximum = Version::tls_1_2;
    InMemory connection(serve(options), call());
    ASSERT_TRUE(connection.exchange(1000));
    const RecordBuffers before = record_buffers();
    const std::size_t allocations = sinew::test::allocations;

    for (std::size_t i = 0; i < 1000; ++i)
      ASSERT_TRUE(connection.exchange(1 + i * 30));

    // OpenSSL's own, a few dozen bytes for each record, are not ours to count.
    if (!sinew::test::counts_malloc) EXPECT_EQ(sinew::test::allocations - allocations, 0);
    if (!pooled) continue;
    EXPECT_EQ(record_buffers().heap - before.heap, 0) << connection.client->version();
    EXPECT_GE(record_buffers().reused - before.reused, 4000);
    EXPECT_EQ(record_buffers().kept, before.kept);  // none is held while nothing is said
  }
}

TEST(RecordBuffers, AnIdleConnectionHoldsLittle) {
  constexpr int count = 200;
  const auto served = serve(with_tickets());
  const auto called = call();
  {
    const InMemory first(served, called);
  }
  std::vector<std::unique_ptr<TlsStream>> idle;
  std::vector<std::unique_ptr<TlsStream>> clients;
  for (int i = 0; i < count; ++i) {
    InMemory connection(served, called);
    EXPECT_TRUE(connection.exchange(1000));
    idle.push_back(std::move(connection.server));
    clients.push_back(std::move(connection.client));
  }

  const std::size_t before = ::mallinfo2().uordblks;
  for (auto& stream : idle)
    stream.reset();
  const std::size_t held = before - ::mallinfo2().uordblks;

  if (held == 0) GTEST_SKIP() << "a sanitizer's malloc does not tell";
  const std::size_t each = held / count - sizeof(Pipe);
  std::printf("idle TLS 1.3 connection of a server: %zu bytes\n", each);
  RecordProperty("bytes", static_cast<int>(each));
  if (pooled) EXPECT_LT(each, 16 * 1024);
}

}  // namespace
}  // namespace sinew::tls
