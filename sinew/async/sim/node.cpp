#include "sinew/async/sim/node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace sinew::async::sim {
namespace {

// Among how many of the ready tasks, from the front, the next is drawn: bounds the cost of a step.
constexpr std::size_t pick_window = 64;

}  // namespace

Node::Node(World& world, std::string name, std::uint64_t id)
    : world_(world), name_(std::move(name)), id_(id), wheel_(world.now()) {}

Node::~Node() = default;

void Node::crash() noexcept {
  if (!alive_) return;
  alive_ = false;
  world_.crashed_ = true;
  world_.note("crash", id_);
  world_.drop_events_of(*this);
  world_.network_.crash(*this);
  mail_.clear();
  requests_ = 0;
  while (!ready_.empty())
    ready_.pop_front();
  while (!hooks_.empty())
    hooks_.pop_front();
}

void Node::schedule(Ready& ready) noexcept {
  if (alive_) ready_.push_back(ready);
}

void Node::arm(Timer& timer, Instant when) noexcept {
  if (!alive_) return;
  wheel_.arm(timer, when);
  if (when <= world_.now()) world_.timers_due_ = true;
}

void Node::at_turn_end(TurnEnd& hook) noexcept {
  if (alive_) hooks_.push_back(hook);
}

void Node::complete(Completion& completion) noexcept {
  if (alive_) mail_.push_back({&completion, false});
}

bool Node::submit(Completion& request) noexcept {
  if (!alive_ || requests_ >= mailbox_capacity) return false;
  ++requests_;
  mail_.push_back({&request, true});
  return true;
}

void Node::offload(Job& job, Lane lane) noexcept {
  if (!alive_) return;
  const Options& options = world_.options();
  const Range range = lane == Lane::commit ? options.commit : options.offload;
  const auto hand_over = [this, &job] { complete(job); };
  const auto execute = [this, &job, hand_over] {
    job.execute();
    world_.at(now() + world_.random().within(world_.options().handover), hand_over, this);
  };
  world_.at(now() + world_.random().within(range), execute, this);
}

Task<std::unique_ptr<Stream>> Node::connect(Endpoint endpoint) {
  return world_.network_.connect(*this, std::move(endpoint));
}

std::unique_ptr<Listener> Node::open_listener(Endpoint endpoint, const ListenOptions& options) {
  return world_.network_.listen(*this, std::move(endpoint), options);
}

void Node::watch(int, Interest, Wait&) {
  throw Error(Condition::unsupported,
              "a simulated runtime cannot watch a foreign descriptor; use a simulated port instead "
              "of the vendor's library");
}

void Node::unwatch(int) noexcept {}

bool Node::runnable() const noexcept {
  return !ready_.empty() || !hooks_.empty() || !mail_.empty();
}

void Node::step() {
  const bool over = left_in_turn_ == 0 || ready_.empty();
  if (over && !hooks_.empty()) return end_turn();
  if (left_in_turn_ == 0) begin_turn();
  const bool in_order = world_.options().order == Order::fifo;
  if (!mail_.empty() && (ready_.empty() || in_order || world_.random().chance(0.5))) {
    open_mail();
  } else if (!ready_.empty()) {
    resume_one();
  }
}

void Node::begin_turn() noexcept {
  const Options& options = world_.options();
  left_in_turn_ = options.order == Order::seeded
                      ? 1 + world_.random().below(std::max(options.longest_turn, 1U))
                      : std::numeric_limits<std::uint64_t>::max();
}

void Node::end_turn() noexcept {
  world_.note("turn", id_);
  left_in_turn_ = 0;
  IntrusiveList<TurnEnd, TurnTag> hooks;
  hooks.splice_back(hooks_);
  while (!hooks.empty()) {
    TurnEnd& hook = hooks.pop_front();
    if (!alive_) continue;
    begin_work("turn end");
    hook.turn_ended();
    end_work();
  }
}

void Node::open_mail() noexcept {
  const Mail mail = mail_.front();
  mail_.pop_front();
  if (mail.request) --requests_;
  world_.note("mail", id_);
  mail.completion->run();
}

void Node::resume_one() {
  Ready& ready = pick();
  ready.unlink();
  const std::string_view task = ready.name();
  world_.note(task, id_);
  last_resumed_[task] = now();
  --left_in_turn_;
  begin_work(ready.name());
  ready.handle().resume();
  end_work();
}

void Node::begin_work(const char* name) noexcept {
  work_ = name;
  work_began_ = now();
}

void Node::end_work() noexcept {
  const Duration busy = now() - work_began_;
  if (busy > world_.options().stall_threshold) world_.stalled(*this, work_, busy);
}

void Node::working_on(const char* name) noexcept {
  end_work();
  begin_work(name);
}

Ready& Node::pick() noexcept {
  if (world_.options().order == Order::fifo) return ready_.front();
  return ready_.at(world_.random().below(ready_.count(pick_window)));
}

void Node::run_to_end(const Scope& scope) {
  world_.run_until([&] { return scope.size() == 0 || !alive_; });
  if (scope.size() > 0)
    throw Stuck(world_.report("node '" + name_ + "' crashed while it ran the task"));
}

std::string Node::describe() const {
  if (!alive_) return fmt::format("node '{}': crashed", name_);
  std::string text =
      fmt::format("node '{}': {} ready, {} completions and requests; last resumed:", name_,
                  ready_.count(pick_window), mail_.size());
  for (const auto& [task, instant] : last_resumed_) {
    const auto at = std::chrono::duration<double>(instant.time_since_epoch());
    text += fmt::format(" '{}' at {:.6f} s,", task, at.count());
  }
  text.pop_back();
  return text;
}

}  // namespace sinew::async::sim
