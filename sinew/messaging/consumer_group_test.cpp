#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sinew/messaging/test_consumer.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::messaging {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

constexpr int keys = 6;
constexpr int records_a_key = 40;

// Handles as chance has it: at once, slowly, longer than any lease, or not at all.
class Moody final : public Handler {
 public:
  explicit Moody(async::Runtime& runtime) : runtime_(&runtime) {}

  Task<void> handle(Handling& handling) override {
    ++attempts;
    const std::uint64_t mood = calm ? 100 : runtime_->random() % 100;
    if (mood < 3) co_await async::sleep_for(std::chrono::seconds(1 + runtime_->random() % 10));
    if (mood >= 3 && mood < 40) {
      co_await async::sleep_for(std::chrono::milliseconds(runtime_->random() % 200));
    }
    if (mood >= 40 && mood < 45) throw Error(Condition::unavailable, "not today");
    co_await ConsumerScript::write(handling);
  }

  void lives_on(async::Runtime& runtime) { runtime_ = &runtime; }
  bool calm = false;
  std::uint64_t attempts = 0;

 private:
  async::Runtime* runtime_;
};

// The members of one group over one database, as several hosts of a context would be.
class Members {
 public:
  explicit Members(std::uint64_t seed) : bench(seed), handler(bench.process.node()) {
    bench.settings.source.source = {DestinationKind::topic, "facts"};
    bench.settings.source.prefetch = 8;
    bench.settings.source.lease = 3s;
    bench.settings.timeout = 8s;  // longer than the lease: what is not renewed goes to another
    bench.settings.max_crashes = 1000;  // whom the kills hit is not the question here
    bench.settings.retry = {.max_attempts = 1000, .first_delay = 50ms, .max_delay = 500ms};
  }
  ~Members() {
    while (!members_.empty())
      cancel();
  }

  void join() {
    Member member;
    member.consumer = std::make_unique<Consumer>(bench.process.node(), *bench.database,
                                                 *bench.broker, handler, bench.settings);
    member.scope = std::make_unique<async::Scope>(bench.process.node(), "member");
    member.scope->spawn(member.consumer->run());
    members_.push_back(std::move(member));
  }
  void stop() {
    members_.back().consumer->stop();
    bench.process.node().run(members_.back().scope->join());
    forget();
  }
  // It gives up in the middle of its handlers.
  void cancel() {
    members_.back().scope->cancel();
    bench.process.node().run(members_.back().scope->join());
    forget();
  }
  // All of them, and the broker.
  void kill() {
    bench.process.node().crash();
    while (!members_.empty())
      forget();
    bench.kill();
    handler.lives_on(bench.process.node());
  }
  std::size_t size() const { return members_.size(); }
  std::uint64_t random() { return bench.process.node().random(); }
  // Any of them is the next to go.
  void shuffle() {
    if (!members_.empty()) std::swap(members_[random() % members_.size()], members_.back());
  }

  void publish_next() {
    if (published >= keys * records_a_key) return;
    const int key = published % keys;
    const int number = ++published_of_[key];
    ++published;
    bench.publish(fmt::format("k{}#{}", key, number), fmt::format("k{}", key));
  }
  // By key, in the order of their commits.
  std::map<std::string, std::vector<std::string>> effects() {
    std::map<std::string, std::vector<std::string>> all;
    for (const std::string& effect : bench.effects_in_order()) {
      const auto hash = effect.find('#');
      all[effect.substr(0, hash)].push_back(effect.substr(hash + 1));
    }
    return all;
  }
  std::int64_t lag() {
    std::int64_t sum = 0;
    for (const auto& group : bench.process.broker().statistics().groups)
      sum += group.lag;
    return sum;
  }

  ConsumerBench bench;
  Moody handler;
  int published = 0;

 private:
  struct Member {
    std::unique_ptr<Consumer> consumer;
    std::unique_ptr<async::Scope> scope;
  };
  void forget() {
    members_.back().scope.reset();
    members_.pop_back();
  }

  std::vector<Member> members_;
  std::map<int, int> published_of_;
};

void disturb(Members& members) {
  members.shuffle();
  const std::uint64_t what = members.random() % 12;
  if (what < 4 && members.size() < 4) members.join();
  if (what >= 4 && what < 6 && members.size() > 1) members.stop();
  if (what >= 6 && what < 8 && members.size() > 0) members.cancel();
  if (what == 8) members.bench.broker->renews = !members.bench.broker->renews;
  if (what == 9 && members.random() % 4 == 0) members.kill();
}

// Members come, leave, give up, are slow and lose their leases, the process is killed: each record
// has its effect once, those of a key in order, and nothing is left over.
TEST(ConsumerGroup, HandsOverWhatIsInWorkWithoutLosingOrDoublingIt) {
  std::uint64_t attempts = 0;
  std::uint64_t effects = 0;
  tests::for_seeds(60, [&](std::uint64_t seed) {
    Members members(seed);
    while (members.published < keys * records_a_key) {
      disturb(members);
      for (std::uint64_t count = members.random() % 20; count > 0; --count)
        members.publish_next();
      members.bench.run_for(std::chrono::milliseconds(members.random() % 1500));
    }
    members.handler.calm = true;
    members.bench.broker->renews = true;
    members.join();
    members.join();
    members.bench.run_for(3min);

    std::vector<std::string> expected;
    for (int number = 1; number <= records_a_key; ++number)
      expected.push_back(std::to_string(number));
    const auto all = members.effects();
    EXPECT_THAT(all, SizeIs(keys));
    for (const auto& [key, numbers] : all)
      EXPECT_EQ(numbers, expected) << key;
    EXPECT_EQ(members.lag(), 0);
    for (const auto& entry : members.bench.backlog())
      ADD_FAILURE() << entry.message.subject << " " << entry.reason << " " << entry.last_error;
    attempts += members.handler.attempts;
    effects += keys * records_a_key;
  });
  EXPECT_GT(attempts, effects + effects / 20) << "nothing was ever handled twice: no test";
}

}  // namespace
}  // namespace sinew::messaging
