#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sinew/async/sim/faults.hpp"
#include "sinew/async/sim/network.hpp"
#include "sinew/async/sim/options.hpp"
#include "sinew/async/sim/random.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::async::sim {

class Node;

// The simulation cannot do what it was asked: nothing can happen any more (deadlock), or the
// bounds on its steps are reached (livelock). what() names the seed, the time and what each node
// was about. Never thrown inside a task.
class Stuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A task that kept its node busy for `busy` of virtual time without suspending.
struct Stall {
  std::string node;
  std::string task;
  Instant at{};  // when it ended
  Duration busy{};
};

// A deterministic world: virtual time, one source of chance, nodes (processes on one machine) and
// the network between them, on the thread that made it. One thing happens a step: a task is
// resumed, a completion or a turn's end runs, a job takes effect, bytes arrive. What comes next is
// drawn from the seed; when nothing can happen now, time jumps to what comes first. The same
// program with the same seed takes the same steps (compare trace_hash()).
//
// Tasks, scopes, streams and listeners of the nodes must be gone before the world is.
class World {
 public:
  explicit World(std::uint64_t seed, const Options& options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // A process that starts now. It stays valid, crashed or not, as long as the world; a restart is
  // a new node, by the same name where partitions and delays are to go on applying to it.
  Node& add_node(std::string name);

  Network& network() noexcept { return network_; }
  Random& random() noexcept { return random_; }
  Faults& faults() noexcept { return faults_; }
  bool maybe(double probability, std::string_view site) { return faults_.maybe(probability, site); }
  // Ends all faults, of sites and of the network, so that the rest of the test must come to rest.
  void heal();

  // Does the next thing that happens by `limit`, or moves time to it. False when there is none.
  bool step(Instant limit = Instant::max());
  // Runs until `done` is true; it is asked before each step. Throws Stuck.
  void run_until(const std::function<bool()>& done);
  // Runs until nothing is left to happen. Throws Stuck: with a periodic timer it never ends.
  void run_until_idle();
  // Runs what happens in the next `duration`, and ends exactly then. Throws Stuck.
  void run_for(Duration duration);
  // Moves time without running anything, as when the machine was asleep or busy elsewhere.
  void advance(Duration duration) noexcept;

  std::uint64_t seed() const noexcept { return seed_; }
  const Options& options() const noexcept { return options_; }
  Instant now() const noexcept { return now_; }
  Timestamp wall_now() const noexcept;
  std::uint64_t steps() const noexcept { return steps_; }
  // A hash over every choice made so far, with its time.
  std::uint64_t trace_hash() const noexcept { return trace_; }
  // The first `kept_stalls` of them.
  const std::vector<Stall>& stalls() const noexcept { return stalls_; }
  static constexpr std::size_t kept_stalls = 1000;

  // For ports and tests: runs `action` at `when`, in a step of its own; dropped when `owner`
  // crashes before.
  void at(Instant when, std::function<void()> action, const Node* owner = nullptr);

 private:
  friend class Node;

  // When, then by chance (or nothing, in fifo order), then in the order of arrival.
  using EventKey = std::tuple<Instant, std::uint64_t, std::uint64_t>;
  struct Event {
    std::function<void()> action;
    const Node* owner;
  };

  void enter_step();
  void fire_timers();
  void forget_crashed() noexcept;
  bool collect_candidates();
  Node* pick() noexcept;
  Instant next_instant();
  void run_event();
  void note(std::string_view what, std::uint64_t detail) noexcept;
  void stalled(const Node& node, std::string_view task, Duration busy);
  void drop_events_of(const Node& node) noexcept;
  std::string report(std::string_view problem) const;

  std::uint64_t seed_;
  Options options_;
  Random random_;
  Faults faults_;
  Instant now_{};
  Instant counted_at_{};
  std::uint64_t steps_ = 0;
  std::uint64_t steps_at_once_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t trace_ = 0;
  bool timers_due_ = false;
  bool stepping_ = false;
  bool crashed_ = false;  // a node has, since the last step
  std::map<EventKey, Event> events_;
  Network network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> living_;
  std::vector<Node*> candidates_;  // of this step; null stands for the first event
  std::vector<Stall> stalls_;
};

}  // namespace sinew::async::sim
