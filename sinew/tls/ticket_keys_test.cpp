#include "sinew/tls/ticket_keys.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace sinew::tls {
namespace {

TicketKey key_of(int value) {
  TicketKey key;
  std::memset(&key, value, sizeof key);
  return key;
}

TEST(TicketKeys, TheNewestSealsAndTheOlderOpen) {
  TicketKeys keys;
  bool newest = false;
  for (int i = 1; i <= 4; ++i)
    keys.add(key_of(i));

  EXPECT_EQ(keys.newest().name, key_of(4).name);
  EXPECT_TRUE(keys.find(key_of(4).name, newest));
  EXPECT_TRUE(newest);
  EXPECT_EQ(keys.find(key_of(2).name, newest)->encryption, key_of(2).encryption);
  EXPECT_FALSE(newest);
  EXPECT_FALSE(keys.find(key_of(1).name, newest));
}

TEST(TicketKeys, RotationMakesAKeyThatNobodyKnows) {
  TicketKeys keys;
  const TicketKey before = keys.newest();

  keys.rotate();

  EXPECT_NE(keys.newest().name, before.name);
  EXPECT_NE(keys.newest().encryption, before.encryption);
  EXPECT_NE(TicketKeys().newest().encryption, TicketKeys().newest().encryption);
}

TEST(TicketKeys, ReadersNeverSeeHalfAKey) {
  TicketKeys keys;
  keys.add(key_of(0));
  std::atomic<bool> over = false;
  std::atomic<int> torn = 0;
  std::thread reader([&] {
    while (!over) {
      const TicketKey key = keys.newest();
      const TicketKey whole = key_of(static_cast<int>(key.name[0]));
      if (std::memcmp(&key, &whole, sizeof key) != 0) ++torn;
    }
  });

  for (int i = 0; i < 20'000; ++i)
    keys.add(key_of(i % 256));
  over = true;
  reader.join();

  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace sinew::tls
