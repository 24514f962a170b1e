#include "sinew/async/poller.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <vector>

namespace sinew::async {
namespace {

class Listening final : public PollTarget {
 public:
  void on_ready(PollEvents events) noexcept override { heard.push_back(events); }
  std::vector<PollEvents> heard;
};

TEST(Poller, AnEdgeIsReportedOnceALevelWhileItLastsOnceASingleTime) {
  struct Row {
    const char* name;
    Trigger trigger;
    std::size_t expected;
  };
  const Row rows[] = {
      {"edge", Trigger::edge, 1}, {"level", Trigger::level, 3}, {"once", Trigger::once, 1}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Descriptor near(ends[0]), far(ends[1]);
    ASSERT_EQ(::write(far.get(), "x", 1), 1);
    Poller poller;
    Listening target;

    ASSERT_FALSE(poller.add(near.get(), {.readable = true, .trigger = row.trigger}, target));
    for (int i = 0; i < 3; ++i)
      poller.wait(0);

    ASSERT_EQ(target.heard.size(), row.expected);
    EXPECT_TRUE(target.heard[0].readable);
    EXPECT_FALSE(target.heard[0].writable);
    poller.remove(near.get());
  }
}

TEST(Poller, TellsAgainInTheNextWaitWithoutBlocking) {
  Poller poller;
  Listening target;
  poller.again(target, {.readable = true});
  poller.again(target, {.writable = true});

  poller.wait(-1);
  poller.wait(0);

  ASSERT_EQ(target.heard.size(), 1u);
  EXPECT_TRUE(target.heard[0].readable);
  EXPECT_TRUE(target.heard[0].writable);
}

TEST(Poller, AWakeEndsTheNextWait) {
  Poller poller;
  for (int i = 0; i < 3; ++i) {
    poller.about_to_sleep();
    poller.wake();
    poller.wait(-1);
  }
}

TEST(TurnBudget, IsSpentWithinATurnAndNewInTheNext) {
  TurnBudget budget(10);
  EXPECT_FALSE(budget.spent(1));
  budget.use(9);
  EXPECT_FALSE(budget.spent(1));
  budget.use(9);
  EXPECT_TRUE(budget.spent(1));
  EXPECT_FALSE(budget.spent(2));
}

}  // namespace
}  // namespace sinew::async
