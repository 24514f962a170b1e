#include "sinew/async/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/async/sim/node.hpp"

namespace sinew::async::sim {
namespace {

double seconds(Instant instant) {
  return std::chrono::duration<double>(instant.time_since_epoch()).count();
}

}  // namespace

World::World(std::uint64_t seed, const Options& options)
    : seed_(seed),
      options_(options),
      random_(seed),
      faults_(seed, options.enabled_sites, random_),
      network_(*this, options.network) {}

World::~World() {
  for (const auto& node : nodes_)
    node->crash();
}

Node& World::add_node(std::string name) {
  nodes_.emplace_back(new Node(*this, std::move(name), nodes_.size()));
  living_.push_back(nodes_.back().get());
  return *nodes_.back();
}

void World::heal() {
  faults_.stop();
  network_.heal();
}

Timestamp World::wall_now() const noexcept {
  return options_.start + std::chrono::duration_cast<Timestamp::duration>(now_.time_since_epoch());
}

void World::at(Instant when, std::function<void()> action, const Node* owner) {
  const std::uint64_t draw = options_.order == Order::seeded ? random_.next() : 0;
  events_.emplace(EventKey(std::max(when, now_), draw, sequence_++),
                  Event{std::move(action), owner});
}

void World::drop_events_of(const Node& node) noexcept {
  std::erase_if(events_, [&](const auto& entry) { return entry.second.owner == &node; });
}

void World::advance(Duration duration) noexcept {
  now_ += duration;
  timers_due_ = true;
}

bool World::step(Instant limit) {
  enter_step();
  struct Leave {
    bool& stepping;
    ~Leave() { stepping = false; }
  } const leave{stepping_};
  if (crashed_) forget_crashed();
  if (timers_due_) fire_timers();
  if (!collect_candidates()) {
    const Instant next = next_instant();
    if (next == Instant::max() || next > limit) return false;
    now_ = next;
    timers_due_ = true;
    return true;
  }
  if (Node* node = pick(); node != nullptr) {
    node->step();
  } else {
    run_event();
  }
  return true;
}

void World::enter_step() {
  if (stepping_) {
    throw std::logic_error("the simulated world was asked to run from inside one of its own tasks");
  }
  if (now_ != counted_at_) {
    counted_at_ = now_;
    steps_at_once_ = 0;
  }
  if (++steps_at_once_ > options_.most_steps_at_once) {
    throw Stuck(report("livelock: time stands still while tasks keep running"));
  }
  if (++steps_ > options_.most_steps) {
    throw Stuck(report("the bound on the number of steps is reached"));
  }
  stepping_ = true;
}

void World::fire_timers() {
  timers_due_ = false;
  for (Node* node : living_) {
    if (node->alive()) node->fire_timers();
  }
}

void World::forget_crashed() noexcept {
  crashed_ = false;
  std::erase_if(living_, [](const Node* node) { return !node->alive(); });
}

bool World::collect_candidates() {
  candidates_.clear();
  if (!events_.empty() && std::get<Instant>(events_.begin()->first) <= now_) {
    candidates_.push_back(nullptr);
  }
  for (Node* node : living_) {
    if (node->runnable()) candidates_.push_back(node);
  }
  return !candidates_.empty();
}

// In fifo order the nodes take turns, an event goes first.
Node* World::pick() noexcept {
  if (options_.order == Order::seeded) return candidates_[random_.below(candidates_.size())];
  if (candidates_.front() == nullptr) return nullptr;
  return candidates_[steps_ % candidates_.size()];
}

Instant World::next_instant() {
  Instant next = events_.empty() ? Instant::max() : std::get<Instant>(events_.begin()->first);
  for (Node* node : living_) {
    if (node->alive()) next = std::min(next, node->next_timer());
  }
  return std::max(next, now_);
}

void World::run_event() {
  auto first = events_.extract(events_.begin());
  note("event", std::get<2>(first.key()));
  first.mapped().action();
}

void World::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (!step()) throw Stuck(report("deadlock: what is waited for can no longer happen"));
  }
}

void World::run_until_idle() {
  while (step()) {
  }
}

void World::run_for(Duration duration) {
  const Instant end = now_ + duration;
  while (step(end)) {
  }
  now_ = std::max(now_, end);
}

void World::note(std::string_view what, std::uint64_t detail) noexcept {
  std::uint64_t hash = mix(trace_ ^ static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  hash = mix(hash ^ detail);
  for (const char letter : what)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  trace_ = hash;
}

void World::stalled(const Node& node, std::string_view task, Duration busy) {
  if (stalls_.size() >= kept_stalls) return;
  stalls_.push_back({std::string(node.name()), std::string(task), now_, busy});
}

std::string World::report(std::string_view problem) const {
  std::string text = fmt::format("{} (seed={}, {:.6f} s, {} steps, {} events to come)", problem,
                                 seed_, seconds(now_), steps_, events_.size());
  for (const auto& node : nodes_)
    text += "\n  " + node->describe();
  return text + "\n" + network_.describe();
}

}  // namespace sinew::async::sim
