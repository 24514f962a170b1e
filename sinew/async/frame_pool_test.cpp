#include "sinew/async/frame_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace sinew::async {
namespace {

constexpr std::size_t sizes[] = {1, 63, 64, 65, 4095, 4096, 4097, 100'000};

TEST(FramePool, GivesMemoryOfTheSizeAskedForThatNobodyElseHas) {
  std::vector<std::pair<void*, std::size_t>> held;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : sizes) {
      for (int i = 0; i < 4; ++i) {
        void* frame = FramePool::allocate(size);
        std::memset(frame, static_cast<int>(held.size()), size);
        held.emplace_back(frame, size);
      }
    }
    std::set<void*> distinct;
    for (std::size_t i = 0; i < held.size(); ++i) {
      const auto [frame, size] = held[i];
      EXPECT_TRUE(distinct.insert(frame).second);
      EXPECT_EQ(static_cast<unsigned char*>(frame)[size - 1], static_cast<unsigned char>(i));
      FramePool::release(frame, size);
    }
    held.clear();
  }
}

TEST(FramePool, ReusesAFrameOfTheSameClass) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "frames come from the heap under the address sanitizer";
#endif
#endif
  void* first = FramePool::allocate(100);
  FramePool::release(first, 100);
  void* second = FramePool::allocate(128);

  EXPECT_EQ(first, second);
  FramePool::release(second, 128);
}

TEST(FramePool, KeepsABoundedNumberAndTakesFramesOfOtherThreads) {
  std::vector<void*> frames(FramePool::kept_per_class * 2);
  for (void*& frame : frames)
    frame = FramePool::allocate(200);

  std::jthread([&] {
    for (void* frame : frames)
      FramePool::release(frame, 200);
  });
}

}  // namespace
}  // namespace sinew::async
