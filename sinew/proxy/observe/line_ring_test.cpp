#include "sinew/proxy/observe/line_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

namespace sinew::proxy {
namespace {

template <std::size_t Size = 64>
std::string take(LineRing& ring) {
  std::array<char, Size> out;
  return {out.data(), ring.take(out)};
}

TEST(LineRingTest, LinesComeOutInTheirOrderAlsoOverTheEndOfTheBuffer) {
  LineRing ring(16);
  for (const char* line : {"first\n", "second\n", "third\n", "a longer one\n"}) {
    ASSERT_TRUE(ring.push(line));
    EXPECT_EQ(take(ring), line);
  }
  EXPECT_EQ(take(ring), "");
  EXPECT_EQ(ring.pushed(), 4U);
}

TEST(LineRingTest, WhatDoesNotFitIsDroppedWholeAndCounted) {
  LineRing ring(16);
  EXPECT_TRUE(ring.push("0123456789\n"));
  EXPECT_FALSE(ring.push("abcdef\n"));
  EXPECT_TRUE(ring.push("abcd\n"));

  EXPECT_EQ(take(ring), "0123456789\nabcd\n");
  EXPECT_EQ(ring.dropped(), 1U);
  EXPECT_TRUE(ring.push("abcdef\n"));
}

TEST(LineRingTest, OnlyWholeLinesAreTaken) {
  LineRing ring(64);
  ring.push("one\n");
  ring.push("two\n");
  ring.push("three\n");

  EXPECT_EQ(take<10>(ring), "one\ntwo\n");
  EXPECT_EQ(take<10>(ring), "three\n");
}

TEST(LineRingTest, ItIsCrowdedFromHalfOn) {
  LineRing ring(16);
  ring.push("1234567\n");
  EXPECT_FALSE(ring.crowded());
  ring.push("\n");
  EXPECT_TRUE(ring.crowded());
}

TEST(LineRingTest, BetweenTwoThreadsEveryLineArrivesOnceOrIsCounted) {
  LineRing ring(1'024);
  constexpr int kLines = 100'000;
  std::atomic<bool> ended = false;
  std::string taken;
  std::jthread reader([&] {
    for (bool last = false; !last;) {
      last = ended;
      for (auto some = take<256>(ring); !some.empty(); some = take<256>(ring))
        taken += some;
    }
  });
  std::string expected;
  for (int i = 0; i < kLines; ++i) {
    const auto line = std::to_string(i) + '\n';
    if (ring.push(line)) expected += line;
  }
  ended = true;
  reader.join();

  EXPECT_EQ(taken, expected);
  EXPECT_EQ(ring.pushed() + ring.dropped(), static_cast<std::uint64_t>(kLines));
}

}  // namespace
}  // namespace sinew::proxy
