#include "examples/commerce/program/collect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace commerce::program {
namespace {

Motion calm() { return {{"sales", {.position = 830}}, {"broker", {.position = 4000}}}; }

struct Look {
  const char* name;
  std::function<void(Motion&)> both;   // what is there in both looks
  std::function<void(Motion&)> later;  // what changed until the second
  bool rest;
};
void PrintTo(const Look& look, std::ostream* out) { *out << look.name; }

class AtRest : public testing::TestWithParam<Look> {};

TEST_P(AtRest, IsWhatTwoLooksSay) {
  Motion before = calm();
  if (GetParam().both) GetParam().both(before);
  Motion after = before;
  if (GetParam().later) GetParam().later(after);

  EXPECT_EQ(at_rest(before, after), GetParam().rest);
}

INSTANTIATE_TEST_SUITE_P(
    Motion, AtRest,
    testing::Values(
        Look{"nothing_moves", {}, {}, true},
        Look{"message_waits", [](Motion& m) { m["sales"].messages = 1; }, {}, false},
        Look{"saga_runs", [](Motion& m) { m["sales"].running_sagas = 1; }, {}, false},
        Look{"view_is_behind", [](Motion& m) { m["sales"].behind = 1; }, {}, false},
        Look{"broker_holds_a_message", [](Motion& m) { m["broker"].messages = 1; }, {}, false},
        Look{"event_came", {}, [](Motion& m) { ++m["sales"].position; }, false},
        Look{"message_came_and_went", {}, [](Motion& m) { ++m["broker"].position; }, false},
        Look{"parked_waits_for_people", [](Motion& m) { m["sales"].parked = 2; }, {}, true},
        Look{"stuck_waits_for_people", [](Motion& m) { m["sales"].stuck_sagas = 1; }, {}, true},
        Look{
            "stalled_waits_for_people", [](Motion& m) { m["sales"].stalled_views = 1; }, {}, true}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(OpenWork, NamesWhoWaitsForAnOperator) {
  Motion motion = calm();
  motion["payment"].parked = 2;
  motion["sales"].stuck_sagas = 1;
  motion["reporting"].stalled_views = 1;

  const auto work = open_work(motion);

  ASSERT_EQ(work.size(), 3u);
  EXPECT_EQ(work[0].context, "payment");
  EXPECT_EQ(work[0].parked, 2);
  EXPECT_EQ(work[1].stalled_views, 1);
  EXPECT_EQ(work[2].stuck_sagas, 1);
}

}  // namespace
}  // namespace commerce::program
