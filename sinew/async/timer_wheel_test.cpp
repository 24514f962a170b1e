#include "sinew/async/timer_wheel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace sinew::async {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant start{1h};

class Probe final : public Timer {
 public:
  Probe(int number, std::vector<int>& log) noexcept : number_(number), log_(log) {}
  void fire() noexcept override {
    log_.push_back(number_);
    if (then) then();
  }
  std::function<void()> then;

 private:
  int number_;
  std::vector<int>& log_;
};

TEST(TimerWheel, FiresInOrderOfTimeAndTiesInArmingOrder) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe late(1, log), tie(2, log), other_tie(3, log), soon(4, log), beyond(5, log);
  wheel.arm(late, start + 2h);
  wheel.arm(tie, start + 5ms);
  wheel.arm(other_tie, start + 5ms);
  wheel.arm(soon, start + 5ms - 1ns);
  wheel.arm(beyond, start + 2h + 1ns);

  wheel.advance(start + 2h);

  EXPECT_THAT(log, ElementsAre(4, 2, 3, 1));
}

TEST(TimerWheel, KeepsArmingOrderOfATieWhenTimeMovedBetween) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe first(1, log), second(2, log), third(3, log);
  wheel.arm(first, start + 10s);
  wheel.advance(start + 9s);
  wheel.arm(second, start + 10s);
  wheel.advance(start + 10s - 1ns);
  wheel.arm(third, start + 10s);

  wheel.advance(start + 10s);

  EXPECT_THAT(log, ElementsAre(1, 2, 3));
}

TEST(TimerWheel, NeverFiresEarly) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe probe(1, log);
  wheel.arm(probe, start + 1s);

  wheel.advance(start + 1s - 1ns);

  EXPECT_THAT(log, IsEmpty());
}

TEST(TimerWheel, FiresThePastInTheNextAdvance) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe past(1, log), before_the_clock(2, log);
  wheel.arm(past, start - 1s);
  wheel.arm(before_the_clock, Instant::min());

  EXPECT_EQ(wheel.next(), start);
  wheel.advance(start);

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST(TimerWheel, RearmingMovesATimer) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe probe(1, log);
  wheel.arm(probe, start + 1s);
  wheel.arm(probe, start + 3s);

  wheel.advance(start + 2s);

  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(wheel.next(), start + 3s);
}

TEST(TimerWheel, ForgetsATimerThatIsUnlinkedOrDestroyed) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe unlinked(1, log);
  wheel.arm(unlinked, start + 1s);
  {
    Probe destroyed(2, log);
    wheel.arm(destroyed, start + 1s);
  }
  unlinked.unlink();

  EXPECT_EQ(wheel.next(), std::nullopt);
  wheel.advance(start + 2s);

  EXPECT_THAT(log, IsEmpty());
}

TEST(TimerWheel, ATimerThatRearmsItselfFiresOnceAnAdvance) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe probe(1, log);
  probe.then = [&] { wheel.arm(probe, start); };
  wheel.arm(probe, start + 1s);

  wheel.advance(start + 70s);
  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_EQ(wheel.next(), start + 70s + 1ns);
  wheel.advance(start + 71s);

  EXPECT_THAT(log, ElementsAre(1, 1));
}

TEST(TimerWheel, ATimerMayUnlinkAnotherOfTheSameInstant) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe first(1, log), second(2, log);
  first.then = [&] { second.unlink(); };
  wheel.arm(first, start + 1s);
  wheel.arm(second, start + 1s);

  wheel.advance(start + 1s);

  EXPECT_THAT(log, ElementsAre(1));
}

TEST(TimerWheel, HoldsTheEndOfTime) {
  TimerWheel wheel(start);
  std::vector<int> log;
  Probe probe(1, log);
  wheel.arm(probe, Instant::max());

  EXPECT_EQ(wheel.next(), Instant::max());
  wheel.advance(Instant::max() - 1ns);
  EXPECT_THAT(log, IsEmpty());
  wheel.advance(Instant::max());

  EXPECT_THAT(log, ElementsAre(1));
}

TEST(TimerWheel, NextIsABoundWhenASlotIsCrowded) {
  TimerWheel wheel(start);
  std::vector<int> log;
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 100; ++i) {
    probes.push_back(std::make_unique<Probe>(i, log));
    wheel.arm(*probes.back(), start + 10s);
  }

  int jumps = 0;
  while (auto next = wheel.next()) {
    ASSERT_LE(*next, start + 10s);
    ++jumps;
    wheel.advance(*next);
  }

  EXPECT_EQ(log.size(), 100u);
  EXPECT_LE(jumps, 11);
}

// Against the obvious model: a multimap from instant to timer, in arming order.
class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 64; ++i)
      probes_.push_back(std::make_unique<Probe>(i, fired_));
  }

  void arm() {
    const int number = pick(0, 63);
    // Spread over the levels: a random width, then a random instant of that width.
    const auto ahead = Duration(random_() % (std::uint64_t{1} << pick(0, 45)));
    const Instant when = pick(0, 20) == 0 ? now_ - 1s : now_ + ahead;
    wheel_.arm(*probes_[number], when);
    forget(number);
    expected_.emplace(std::max(when, now_), number);
  }
  void unlink() {
    const int number = pick(0, 63);
    probes_[number]->unlink();
    forget(number);
  }
  void advance() {
    const auto next = wheel_.next();
    ASSERT_EQ(next.has_value(), !expected_.empty());
    if (next) {
      ASSERT_LE(*next, expected_.begin()->first);
    }
    if (next && pick(0, 1) == 0) {
      now_ = *next;
    } else {
      now_ += Duration(random_() % (std::uint64_t{1} << pick(0, 45)));
    }
    fired_.clear();
    wheel_.advance(now_);
    std::vector<int> due;
    const auto end = expected_.upper_bound(now_);
    for (auto at = expected_.begin(); at != end; ++at)
      due.push_back(at->second);
    expected_.erase(expected_.begin(), end);
    ASSERT_EQ(fired_, due);
  }
  int pick(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

 private:
  void forget(int number) {
    std::erase_if(expected_, [&](const auto& entry) { return entry.second == number; });
  }

  std::mt19937_64 random_;
  Instant now_ = start;
  TimerWheel wheel_{start};
  std::vector<int> fired_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::multimap<Instant, int> expected_;
};

TEST(TimerWheel, BehavesAsAMultimapUnderRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Model model(seed);
    for (int step = 0; step < 2000; ++step) {
      const int choice = model.pick(0, 9);
      if (choice < 5) {
        model.arm();
      } else if (choice < 7) {
        model.unlink();
      } else {
        ASSERT_NO_FATAL_FAILURE(model.advance());
      }
    }
  }
}

}  // namespace
}  // namespace sinew::async
