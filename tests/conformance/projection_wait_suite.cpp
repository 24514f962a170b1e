#include "tests/conformance/projection_wait_suite.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <utility>

#include "sinew/store/projection_verbs.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::conformance {

using namespace std::chrono_literals;
using store::Checkpoint;
using store::ProjectionRunner;
using store::ProjectionState;
using testing::HasSubstr;

TEST_P(ProjectionWaitConformance, FindsInTheViewWhatItWaitedFor) {
  tests::for_seeds(seeds, [this](std::uint64_t seed) {
    use_seed(seed);
    Words words;
    ProjectionRunner runner(db(), words, {.batch = 3});
    const auto write_and_read = [&](std::string stream) -> Task<void> {
      for (int i = 0; i < 5; ++i) {
        const std::string word = stream + " " + std::to_string(i);
        co_await runner.reached(co_await write(stream, word), 1min);
        EXPECT_TRUE(co_await view_has(word)) << word;
      }
    };
    run_beside(runner, [&]() -> Task<void> {
      async::Scope scope(co_await async::this_context());
      for (int i = 0; i < 4; ++i)
        scope.spawn(write_and_read("s-" + std::to_string(i)));
      co_await scope.join();
    });
  });
}

TEST_P(ProjectionWaitConformance, FindsItAfterARestartToo) {
  Words words;
  Checkpoint position;
  run([&]() -> Task<void> { position = co_await write("s", "before"); });
  bench().reopen();
  ProjectionRunner runner(db(), words);

  run_beside(runner, [&]() -> Task<void> {
    while (runner.status().state == ProjectionState::stopped)
      co_await async::yield();
    co_await runner.reached(position, 1min);
    EXPECT_TRUE(co_await view_has("before"));
  });
}

TEST_P(ProjectionWaitConformance, IsWokenByTheCommitAndNotByItsPatience) {
  Words words;
  words.blocked = true;
  ProjectionRunner runner(db(), words);
  Duration took{};
  const auto wait = [&](Checkpoint position) -> Task<void> {
    const Instant began = runtime().now();
    co_await runner.reached(position, 1min);
    took = runtime().now() - began;
  };
  run_beside(runner, [&]() -> Task<void> {
    const Checkpoint position = co_await write("s", "late");
    async::Scope scope(co_await async::this_context());
    scope.spawn(wait(position));
    co_await async::sleep_for(3s);
    EXPECT_EQ(took, Duration::zero()) << "the view does not have it yet";
    words.blocked = false;
    co_await scope.join();
  });

  EXPECT_GE(took, 3s);
  EXPECT_LT(took, 15s) << "within the longest pause of a projection that tries again";
}

TEST_P(ProjectionWaitConformance, SaysHowFarTheViewIsWhenTimeIsUp) {
  Words words;
  ProjectionRunner runner(db(), words);
  std::optional<Refusal> late;
  Checkpoint first;
  run_beside(runner, [&]() -> Task<void> {
    first = co_await write("s", "first");
    co_await runner.reached(first, 1min);
    words.blocked = true;
    const Checkpoint second = co_await write("s", "second");
    late = co_await refusal(runner, second, 2s);
    EXPECT_FALSE(co_await refusal(runner, first, 0s)) << "what it has needs no patience";
    const auto now = co_await refusal(runner, second, 0s);
    EXPECT_TRUE(now && now->condition == Condition::timeout);
  });

  ASSERT_TRUE(late);
  EXPECT_EQ(late->condition, Condition::timeout);
  EXPECT_GE(late->after, 2s);
  EXPECT_LT(late->after, 3s);
  EXPECT_THAT(late->detail, HasSubstr("the view words stands at " + to_string(first)));
  EXPECT_THAT(late->detail, HasSubstr("the view is blocked"));
}

TEST_P(ProjectionWaitConformance, APausedViewRefusesAtOnce) {
  Words words;
  words.refused = "bad";
  ProjectionRunner runner(db(), words);
  std::vector<std::optional<Refusal>> refusals(2);
  run_beside(runner, [&]() -> Task<void> {
    const Checkpoint good = co_await write("s", "good");
    const Checkpoint bad = co_await write("s", "bad");
    refusals[0] = co_await refusal(runner, bad, 1min);
    co_await until([&] { return runner.status().state == ProjectionState::paused; });
    refusals[1] = co_await refusal(runner, bad, 1min);
    EXPECT_FALSE(co_await refusal(runner, good, 1min)) << "the event before it is in the view";

    words.refused.clear();
    co_await insist(
        [](store::Transaction& tx) { return store::resume_projection(tx, "words", {}); });
    runner.wake();
    co_await until([&] { return runner.status().state == ProjectionState::running; });
    co_await runner.reached(bad, 1min);
    EXPECT_TRUE(co_await view_has("bad"));
  });

  for (const auto& refused : refusals) {
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->condition, Condition::unavailable);
    EXPECT_LT(refused->after, 1s) << "waiting would not help";
    EXPECT_THAT(refused->detail, HasSubstr("paused: event "));
    EXPECT_THAT(refused->detail, HasSubstr("this word is not for the view"));
  }
}

TEST_P(ProjectionWaitConformance, RefusesAPlaceThatThisLogDoesNotHave) {
  Words words;
  ProjectionRunner runner(db(), words);
  run_beside(runner, [&]() -> Task<void> {
    const auto conditions = [&](std::string bytes) -> Task<Condition> {
      const auto refused = co_await refusal(runner, Checkpoint::from_bytes(bytes), 1min);
      co_return refused ? refused->condition : Condition{};
    };
    EXPECT_EQ(co_await conditions(std::string(8, '\x01')), Condition::invalid_input) << "empty log";
    const Checkpoint head = co_await write("s", "only");
    co_await runner.reached(head, 1min);

    const Checkpoint next = Checkpoint::from_position(head.position() + 1);
    EXPECT_EQ(co_await conditions(std::string(next.bytes())), Condition::invalid_input);
    EXPECT_EQ(co_await conditions(std::string(1, '\0')), Condition::invalid_input);
    EXPECT_EQ(co_await conditions(std::string(head.bytes().substr(0, 7))),
              Condition::invalid_input);
    EXPECT_EQ(co_await conditions(std::string(Checkpoint::max_bytes, '\xff')),
              Condition::invalid_input);
    EXPECT_FALSE(co_await refusal(runner, Checkpoint(), 0s)) << "everything is behind the start";
  });
}

TEST_P(ProjectionWaitConformance, BoundsThoseWhoWaitAndServesThemAll) {
  constexpr std::size_t most = store::PositionWaits::capacity;
  Words words;
  words.blocked = true;
  ProjectionRunner runner(db(), words);
  std::size_t served = 0;
  const auto wait = [&](Checkpoint position) -> Task<void> {
    co_await runner.reached(position, 10min);
    ++served;
  };
  run_beside(runner, [&]() -> Task<void> {
    const Checkpoint position = co_await write("s", "popular");
    async::Scope scope(co_await async::this_context());
    for (std::size_t i = 0; i < most; ++i)
      scope.spawn(wait(position));
    co_await async::sleep_for(2s);
    const auto refused = co_await refusal(runner, position, 1min);
    EXPECT_TRUE(refused && refused->condition == Condition::exhausted);
    words.blocked = false;
    co_await scope.join();
  });

  EXPECT_EQ(served, most);
}

TEST_P(ProjectionWaitConformance, EndsWithWhoeverWaitsAndWithTheView) {
  Words words;
  words.blocked = true;
  ProjectionRunner runner(db(), words);
  std::vector<Condition> ended;
  const auto wait = [&](Checkpoint position) -> Task<void> {
    const auto refused = co_await refusal(runner, position, 1min);
    ended.push_back(refused ? refused->condition : Condition{});
  };
  run([&]() -> Task<void> {
    const Checkpoint position = co_await write("s", "never");
    const auto before = co_await refusal(runner, position, 1min);
    EXPECT_TRUE(before && before->condition == Condition::unavailable) << "it does not run yet";

    async::Scope view(co_await async::this_context());
    view.spawn(runner.run());
    while (runner.status().state == ProjectionState::stopped)
      co_await async::yield();
    async::Scope impatient(co_await async::this_context());
    impatient.spawn(wait(position));
    async::Scope patient(co_await async::this_context());
    patient.spawn(wait(position));
    co_await async::sleep_for(1s);
    impatient.cancel();
    co_await impatient.join();
    view.cancel();
    co_await view.join();
    co_await patient.join();
  });

  EXPECT_THAT(ended, testing::ElementsAre(Condition::cancelled, Condition::unavailable));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ProjectionWaitConformance);

}  // namespace sinew::conformance
