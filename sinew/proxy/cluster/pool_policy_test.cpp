#include "sinew/proxy/cluster/pool_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/proxy/cluster/test_cluster.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;
using Connection = PoolPolicy::Connection;
using Lane = PoolPolicy::Lane;
using EndedBy = PoolPolicy::EndedBy;

constexpr PoolSettings kPlain = {.age_jitter_percent = 0};

std::vector<Connection> closing(PoolPolicy& pool) {
  std::vector<Connection> found;
  while (const auto connection = pool.next_to_close())
    found.push_back(*connection);
  return found;
}

// Connections that were opened together and released one after the other, a second apart.
std::vector<Connection> idle(PoolPolicy& pool, Lane lane, int count, Instant from = Instant(0s)) {
  std::vector<Connection> made;
  for (int i = 0; i < count; ++i)
    made.push_back(pool.opened(lane, from, 0));
  for (int i = 0; i < count; ++i)
    pool.release(made[static_cast<std::size_t>(i)], from + i * 1s);
  return made;
}

TEST(PoolPolicy, TakesTheConnectionThatWasUsedLast) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  const auto made = idle(pool, lane, 3);

  EXPECT_EQ(pool.take(lane, Instant(3s)), made[2]);
  EXPECT_EQ(pool.requests(made[2]), 2);
  EXPECT_EQ(pool.take(lane, Instant(3s)), made[1]);
  EXPECT_EQ(pool.take(lane, Instant(3s)), made[0]);
  EXPECT_EQ(pool.take(lane, Instant(3s)), std::nullopt);
  EXPECT_EQ(pool.counts(), (PoolPolicy::Counts{3, 0, 0, 3, 3}));
}

TEST(PoolPolicy, ALaneTakesNothingOfAnother) {
  PoolPolicy pool(kPlain);
  const auto one = pool.add_lane();
  const auto other = pool.add_lane();
  idle(pool, one, 2);

  EXPECT_EQ(pool.take(other, Instant(1s)), std::nullopt);
  EXPECT_NE(pool.take(one, Instant(1s)), std::nullopt);
}

TEST(PoolPolicy, ClosesTheLongestIdleOfAllWhenThereAreTooMany) {
  PoolPolicy pool({.max_idle = 3, .age_jitter_percent = 0});
  const auto first = pool.add_lane();
  const auto second = pool.add_lane();
  const auto old = idle(pool, first, 2, Instant(0s));
  idle(pool, second, 2, Instant(10s));

  EXPECT_EQ(closing(pool), std::vector{old[0]});
  EXPECT_EQ(pool.counts().idle, 3U);
}

TEST(PoolPolicy, KeepsNoneWhereNoneMayBeIdle) {
  PoolPolicy pool({.max_idle = 0});
  const auto made = idle(pool, pool.add_lane(), 1);
  EXPECT_EQ(closing(pool), made);
}

TEST(PoolPolicy, ExpiresWhatIsIdleForTooLong) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  EXPECT_EQ(pool.expires_at(), Instant::max());
  const auto made = idle(pool, lane, 3);
  EXPECT_EQ(pool.expires_at(), Instant(60s));

  pool.expire(Instant(61s));

  auto closed = closing(pool);
  std::ranges::sort(closed);
  EXPECT_EQ(closed, (std::vector{made[0], made[1]}));
  EXPECT_EQ(pool.expires_at(), Instant(62s));
}

TEST(PoolPolicy, NeverTakesWhatWouldHaveExpired) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  idle(pool, lane, 3);

  EXPECT_EQ(pool.take(lane, Instant(62s)), std::nullopt);
  EXPECT_EQ(closing(pool).size(), 3U);
  EXPECT_EQ(pool.counts(), (PoolPolicy::Counts{0, 0, 0, 3, 0}));
}

TEST(PoolPolicy, AConnectionServesAtMostSoManyRequests) {
  PoolPolicy pool({.max_requests = 3});
  const auto lane = pool.add_lane();
  const auto connection = pool.opened(lane, Instant(0s), 0);
  for (int request = 1; request < 3; ++request) {
    pool.release(connection, Instant(1s));
    ASSERT_EQ(pool.take(lane, Instant(1s)), connection);
  }

  pool.release(connection, Instant(1s));

  EXPECT_EQ(closing(pool), std::vector{connection});
}

TEST(PoolPolicy, AConnectionLivesForItsAgeLessJitter) {
  PoolPolicy pool({.idle_timeout = 1h, .max_age = 100s, .age_jitter_percent = 10});
  const auto lane = pool.add_lane();
  const auto full = pool.opened(lane, Instant(0s), 0);
  const auto less = pool.opened(lane, Instant(0s), ~0ULL);

  pool.release(less, Instant(90s));
  EXPECT_EQ(closing(pool), std::vector{less});
  pool.release(full, Instant(99s));
  EXPECT_TRUE(closing(pool).empty());
  EXPECT_EQ(pool.take(lane, Instant(100s)), std::nullopt) << "old by now";
}

TEST(PoolPolicy, StaysBelowWhatKeepAliveSays) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  const auto connection = pool.opened(lane, Instant(0s), 0);

  pool.release(connection, Instant(0s), parse_keep_alive("timeout=5, max=2"));

  EXPECT_EQ(pool.idle_timeout(lane, Instant(0s)), 4s);
  EXPECT_EQ(pool.take(lane, Instant(3'999ms)), connection);
  pool.release(connection, Instant(4s), parse_keep_alive("timeout=5, max=1"));
  EXPECT_EQ(pool.take(lane, Instant(8s)), std::nullopt);
  EXPECT_EQ(closing(pool), std::vector{connection});
}

TEST(PoolPolicy, KeepsNothingForAPeerThatOffersNothing) {
  for (const auto* offer : {"timeout=0", "max=0"}) {
    PoolPolicy pool(kPlain);
    const auto connection = pool.opened(pool.add_lane(), Instant(0s), 0);
    pool.release(connection, Instant(0s), parse_keep_alive(offer));
    EXPECT_EQ(closing(pool), std::vector{connection}) << offer;
  }
}

TEST(PoolPolicy, LearnsFromTwoClosesAfterTheSameIdleTime) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  auto made = idle(pool, lane, 2);

  pool.ended(made[0], Instant(15s), EndedBy::peer);
  EXPECT_EQ(pool.idle_timeout(lane, Instant(15s)), 60s) << "one says nothing";
  pool.ended(made[1], Instant(16s), EndedBy::peer);

  EXPECT_EQ(pool.idle_timeout(lane, Instant(16s)), 14s);
  EXPECT_EQ(pool.idle_timeout(lane, Instant(16s) + IdleTime::kForgetAfter), 60s) << "for a time";
}

TEST(PoolPolicy, LearnsNothingFromARestartOrFromItself) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  for (const auto connection : idle(pool, lane, 5))
    pool.ended(connection, Instant(6s), EndedBy::peer);
  for (const auto connection : idle(pool, lane, 2, Instant(10s)))
    pool.ended(connection, Instant(20s), EndedBy::us);

  EXPECT_EQ(pool.idle_timeout(lane, Instant(20s)), 60s);
}

TEST(PoolPolicy, AnEndpointThatGoesTakesItsConnectionsAlong) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  const auto made = idle(pool, lane, 2);
  const auto busy = pool.opened(lane, Instant(2s), 0);

  pool.remove_lane(lane);

  EXPECT_EQ(closing(pool).size(), made.size());
  EXPECT_NE(pool.add_lane(), lane) << "one is still in use";
  pool.release(busy, Instant(3s));
  EXPECT_EQ(closing(pool), std::vector{busy});
  EXPECT_EQ(pool.add_lane(), lane) << "its number is free again";
  EXPECT_EQ(pool.take(lane, Instant(3s)), std::nullopt);
}

TEST(PoolPolicy, WordsAboutConnectionsItDoesNotKnowChangeNothing) {
  PoolPolicy pool(kPlain);
  const auto lane = pool.add_lane();
  const auto gone = pool.opened(lane, Instant(0s), 0);
  pool.ended(gone, Instant(0s), EndedBy::peer);
  const auto next = pool.opened(lane, Instant(0s), 0);
  const auto before = pool.counts();

  EXPECT_NE(next, gone) << "its place, and another number";
  EXPECT_FALSE(pool.ended(gone, Instant(1s), EndedBy::us));
  pool.release(gone, Instant(1s));
  pool.discard(gone);
  EXPECT_FALSE(pool.ended(Connection{12'345}, Instant(1s), EndedBy::us));

  EXPECT_EQ(pool.counts(), before);
  EXPECT_EQ(pool.requests(gone), 0);
}

// A naive pool beside the real one: which connections there are, and in which state.
class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 3; ++i)
      lanes_.push_back(pool_.add_lane());
  }

  void step() {
    now_ += random_.below(2'000) * 1ms;
    const auto lane = lanes_[random_.below(lanes_.size())];
    switch (random_.below(8)) {
      case 0: open(lane); break;
      case 1:
      case 2: take(lane); break;
      case 3:
      case 4: end_request(); break;
      case 5: cut(); break;
      case 6: pool_.expire(now_); break;
      default: replace_a_lane();
    }
    if (random_.below(2) == 0) close_some();
    check();
  }
  void finish() {
    while (!known_.empty())
      pool_.ended(take_known(random_.below(known_.size())).first, now_, EndedBy::us);
    EXPECT_EQ(pool_.counts().in_use + pool_.counts().idle + pool_.counts().to_close, 0U);
    EXPECT_EQ(pool_.next_to_close(), std::nullopt);
    EXPECT_EQ(pool_.expires_at(), Instant::max());
  }

 private:
  void open(Lane lane) { known_.emplace(pool_.opened(lane, now_, random_()), true); }
  void take(Lane lane) {
    const auto taken = pool_.take(lane, now_);
    if (!taken) return open(lane);
    const auto found = known_.find(*taken);
    ASSERT_NE(found, known_.end()) << "one that had ended";
    ASSERT_FALSE(found->second) << "one that another request uses";
    found->second = true;
  }
  void end_request() {
    const auto busy = std::ranges::find_if(known_, [](const auto& entry) { return entry.second; });
    if (busy == known_.end()) return;
    busy->second = false;
    if (random_.below(4) == 0) return pool_.discard(busy->first);
    pool_.release(busy->first, now_,
                  random_.below(10) == 0 ? KeepAlive{.timeout = 5s} : KeepAlive());
  }
  // At any moment, in any state.
  void cut() {
    if (known_.empty()) return;
    const auto [connection, busy] = take_known(random_.below(known_.size()));
    EXPECT_TRUE(pool_.ended(connection, now_, random_.below(2) == 0 ? EndedBy::us : EndedBy::peer));
    EXPECT_FALSE(pool_.ended(connection, now_, EndedBy::us)) << "twice";
  }
  void replace_a_lane() {
    if (random_.below(4) != 0) return;
    auto& lane = lanes_[random_.below(lanes_.size())];
    pool_.remove_lane(lane);
    lane = pool_.add_lane();
  }
  void close_some() {
    while (const auto connection = pool_.next_to_close()) {
      const auto found = known_.find(*connection);
      ASSERT_NE(found, known_.end());
      ASSERT_FALSE(found->second) << "a request uses it";
      known_.erase(found);
      if (random_.below(3) == 0) return;
    }
  }
  std::pair<Connection, bool> take_known(std::uint64_t nth) {
    const auto at = std::next(known_.begin(), static_cast<std::ptrdiff_t>(nth));
    const auto entry = *at;
    known_.erase(at);
    return entry;
  }
  void check() {
    const auto& counts = pool_.counts();
    const auto busy = std::ranges::count_if(known_, [](const auto& entry) { return entry.second; });
    ASSERT_EQ(counts.in_use, static_cast<std::size_t>(busy));
    ASSERT_EQ(counts.in_use + counts.idle + counts.to_close, known_.size());
    ASSERT_LE(counts.idle, 5U);
    ASSERT_EQ(pool_.expires_at() == Instant::max(), counts.idle == 0);
  }

  TestRandom random_;
  PoolPolicy pool_{{.max_idle = 5, .idle_timeout = 10s, .max_age = 60s, .max_requests = 6}};
  std::vector<Lane> lanes_;
  std::map<Connection, bool> known_;  // and whether a request uses it
  Instant now_{};
};

TEST(PoolPolicy, CountsAreRightWhateverHappensAndWhateverIsCut) {
  tests::for_seeds(200, [](std::uint64_t seed) {
    Model model(seed);
    for (int i = 0; i < 1'000 && !testing::Test::HasFatalFailure(); ++i)
      model.step();
    model.finish();
  });
}

TEST(PoolPolicy, RefusesSettingsThatCannotBeMeant) {
  EXPECT_THROW(PoolPolicy({.max_idle = -1}), Error);
  EXPECT_THROW(PoolPolicy({.max_age = 0s}), Error);
  EXPECT_THROW(PoolPolicy({.max_requests = 0}), Error);
}

TEST(KeepAlive, IsReadAsFarAsItCanBe) {
  struct Row {
    const char* value;
    std::optional<Duration> timeout;
    std::optional<int> max;
  };
  const Row rows[] = {
      {"timeout=5, max=100", 5s, 100},
      {"TimeOut = 5 ,\tmax=0", 5s, 0},
      {"max=3", std::nullopt, 3},
      {"timeout=5", 5s, std::nullopt},
      {"", std::nullopt, std::nullopt},
      {",,=,timeout=,max=x, timeout", std::nullopt, std::nullopt},
      {"timeout=-1, max=-1", std::nullopt, std::nullopt},
      {"timeout=1.5", std::nullopt, std::nullopt},
      {"timeout=99999999999999999999", std::nullopt, std::nullopt},
      {"timeout=1000000, max=2000000000", 24h, 1'000'000},
      {"parameters=1, timeout=7", 7s, std::nullopt},
  };
  for (const auto& [value, timeout, max] : rows) {
    const auto found = parse_keep_alive(value);
    EXPECT_EQ(found.timeout, timeout) << value;
    EXPECT_EQ(found.max, max) << value;
  }
}

TEST(IdleTime, StaysASecondShortOfWhatWasOfferedButNeverReachesNothing) {
  IdleTime time;
  EXPECT_EQ(time.limit(60s, {}), 60s);
  time.offered(120s);
  EXPECT_EQ(time.limit(60s, {}), 60s);
  time.offered(2s);
  EXPECT_EQ(time.limit(60s, {}), 1s);
  time.offered(1s);
  EXPECT_EQ(time.limit(60s, {}), 500ms);
  for (int i = 0; i < 2; ++i)
    time.closed_after(1ms, Instant(1s));
  EXPECT_EQ(time.limit(60s, Instant(1s)), IdleTime::kLeast);
}

}  // namespace
}  // namespace sinew::proxy
