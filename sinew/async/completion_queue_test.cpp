#include "sinew/async/completion_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace sinew::async {
namespace {

using testing::ElementsAre;

class Note final : public Completion {
 public:
  explicit Note(std::function<void()> function) : function_(std::move(function)) {}
  void run() noexcept override { function_(); }

 private:
  std::function<void()> function_;
};

TEST(CompletionQueue, RunsInTheOrderOfPushing) {
  CompletionQueue queue;
  std::vector<int> log;
  Note first([&] { log.push_back(1); }), second([&] { log.push_back(2); });
  EXPECT_TRUE(queue.empty());
  queue.push(first);
  queue.push(second);
  EXPECT_FALSE(queue.empty());

  EXPECT_EQ(queue.run_all(), 2u);

  EXPECT_THAT(log, ElementsAre(1, 2));
  EXPECT_TRUE(queue.empty());
}

TEST(CompletionQueue, OneThatPushesItselfRunsInTheNextRound) {
  CompletionQueue queue;
  int runs = 0;
  Note* self = nullptr;
  Note note([&] {
    if (++runs < 3) queue.push(*self);
  });
  self = &note;
  queue.push(note);

  EXPECT_EQ(queue.run_all(), 1u);
  EXPECT_EQ(queue.run_all(), 1u);
  EXPECT_EQ(runs, 2);
}

TEST(CompletionQueue, LosesNothingFromManyThreads) {
  constexpr int threads = 4, each = 5000;
  CompletionQueue queue;
  std::vector<int> last(threads, -1);
  bool in_order = true;
  std::deque<Note> notes;
  std::vector<Note*> own[threads];
  for (int t = 0; t < threads; ++t) {
    for (int i = 0; i < each; ++i) {
      own[t].push_back(&notes.emplace_back([&, t, i] {
        in_order &= last[t] == i - 1;
        last[t] = i;
      }));
    }
  }
  std::size_t count = 0;
  {
    std::vector<std::jthread> producers;
    for (auto& mine : own) {
      producers.emplace_back([&] {
        for (Note* note : mine)
          queue.push(*note);
      });
    }
    while (count < threads * each)
      count += queue.run_all();
  }

  EXPECT_TRUE(in_order);
  EXPECT_EQ(count, std::size_t{threads * each});
}

}  // namespace
}  // namespace sinew::async
