#include "sinew/resilience/cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using enum Cache::Freshness;

Cache::Value value(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}
std::string text(const Cache::Found& found) {
  return found.value ? *static_cast<const std::string*>(found.value.get()) : "";
}

TEST(Cache, AnswersByAge) {
  Cache cache({.fresh = 1min, .max_age_on_error = 1h});
  cache.put("a", value("1"), 1, Instant(0s));
  struct Row {
    Duration at;
    Cache::Freshness freshness;
  };
  const Row rows[] = {
      {0s, fresh}, {1min, fresh}, {1min + 1ns, stale}, {1h, stale}, {1h + 1ns, missing}};
  for (const auto& row : rows) {
    const auto found = cache.find("a", Instant(row.at));
    EXPECT_EQ(found.freshness, row.freshness) << row.at.count();
    if (row.freshness != missing) EXPECT_EQ(found.age, row.at);
  }
  EXPECT_EQ(cache.snapshot().entries, 0U) << "too old for everything";
}

TEST(Cache, WithoutAnAgeOnErrorNothingIsEverStale) {
  Cache cache({.fresh = 1min});
  cache.put("a", value("1"), 1, Instant(0s));

  EXPECT_EQ(cache.find("a", Instant(61s)).freshness, missing);
}

TEST(Cache, KeepsTheNewest) {
  Cache cache;
  cache.put("a", value("old"), 10, Instant(0s));
  const auto bytes = cache.snapshot().bytes;
  cache.put("a", value("new"), 10, Instant(30s));

  EXPECT_EQ(text(cache.find("a", Instant(80s))), "new");
  EXPECT_EQ(cache.snapshot().entries, 1U);
  EXPECT_EQ(cache.snapshot().bytes, bytes);
}

TEST(Cache, LetsGoFirstWhatWasNotUsedForLongest) {
  Cache cache({.max_entries = 2});
  cache.put("a", value("1"), 1, Instant(0s));
  cache.put("b", value("2"), 1, Instant(0s));
  cache.find("a", Instant(1s));
  cache.put("c", value("3"), 1, Instant(1s));

  EXPECT_EQ(cache.find("b", Instant(1s)).freshness, missing);
  EXPECT_EQ(text(cache.find("a", Instant(1s))), "1");
  EXPECT_EQ(text(cache.find("c", Instant(1s))), "3");
  EXPECT_EQ(cache.snapshot().evicted, 1U);
}

TEST(Cache, HoldsItsBytes) {
  Cache cache({.max_bytes = {4096}, .max_entry_bytes = {2048}});
  cache.put("a", value("1"), 1800, Instant(0s));
  cache.put("b", value("2"), 1800, Instant(0s));
  EXPECT_EQ(cache.snapshot().entries, 2U);

  cache.put("c", value("3"), 1800, Instant(0s));

  EXPECT_EQ(cache.snapshot().entries, 2U);
  EXPECT_LE(cache.snapshot().bytes, 4096U);
}

TEST(Cache, DoesNotKeepWhatIsTooLargeNorTheAnswerBefore) {
  Cache cache({.max_bytes = {4096}, .max_entry_bytes = {2048}});
  cache.put("a", value("small"), 5, Instant(0s));

  EXPECT_FALSE(cache.put("a", value("large"), 2048, Instant(0s))) << "its key counts as well";
  EXPECT_FALSE(cache.put("b", value("?"), ~std::uint64_t{0}, Instant(0s)));

  EXPECT_EQ(cache.find("a", Instant(0s)).freshness, missing);
  EXPECT_EQ(cache.snapshot().too_large, 2U);
  EXPECT_EQ(cache.snapshot().bytes, 0U);
}

TEST(Cache, AnAnswerGivenOutOutlivesItsEntry) {
  Cache cache;
  cache.put("a", value("1"), 1, Instant(0s));
  const auto found = cache.find("a", Instant(0s));

  EXPECT_EQ(cache.clear(), 1U);

  EXPECT_EQ(text(found), "1");
  EXPECT_EQ(cache.find("a", Instant(0s)).freshness, missing);
  EXPECT_EQ(cache.snapshot().bytes, 0U);
}

TEST(Cache, CountsWhatItGives) {
  Cache cache({.fresh = 1s, .max_age_on_error = 1min});
  cache.find("a", Instant(0s));
  cache.put("a", value("1"), 1, Instant(0s));
  cache.find("a", Instant(1s));
  cache.find("a", Instant(2s));
  cache.find_on_error("a", Instant(2s));
  cache.find_on_error("b", Instant(2s));

  const auto counts = cache.snapshot();
  EXPECT_EQ(counts.hits, 1U);
  EXPECT_EQ(counts.misses, 2U);
  EXPECT_EQ(counts.stale, 1U);
}

// Against a map: what is found is what was put last, and the bounds always hold.
TEST(Cache, GivesWhatWasPutLast) {
  std::minstd_rand random(7);
  Cache cache({.max_entries = 8, .max_bytes = {4096}, .max_entry_bytes = {1024}, .fresh = 1min});
  std::map<std::string, std::string> model;
  std::uint64_t found_count = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key(1, static_cast<char>('a' + random() % 16));
    const Instant now(i * 1ms);
    if (random() % 2 == 0) {
      const std::string text_put = std::to_string(i);
      if (cache.put(key, value(text_put), random() % 1000, now)) {
        model[key] = text_put;
      } else {
        model.erase(key);
      }
    } else if (const auto found = cache.find(key, now); found.freshness == fresh) {
      ++found_count;
      EXPECT_EQ(text(found), model.at(key));
    }
    EXPECT_LE(cache.snapshot().entries, 8U);
    EXPECT_LE(cache.snapshot().bytes, 4096U);
  }
  EXPECT_GT(found_count, 1'000U);
}

TEST(Cache, RefusesContradictorySettingsAllAtOnce) {
  try {
    const Cache cache(
        {.max_bytes = {4096}, .max_entry_bytes = {8192}, .fresh = 1min, .max_age_on_error = 30s});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.condition(), Condition::invalid_input);
    EXPECT_THAT(error.detail(),
                testing::HasSubstr("max_entry_bytes (8KiB) is above max_bytes (4KiB)"));
    EXPECT_THAT(error.detail(), testing::HasSubstr("max_age_on_error (30s) is not above fresh"));
  }
  EXPECT_THROW(Cache({.max_entries = 0}), Error);
}

}  // namespace
}  // namespace sinew::resilience
