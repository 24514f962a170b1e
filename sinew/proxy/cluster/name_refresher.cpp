#include "sinew/proxy/cluster/name_refresher.hpp"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::proxy {
namespace {

using async::WaitOutcome;

// Uniform in [0, most].
Duration drawn(Duration most, std::uint64_t random) noexcept {
  constexpr double steps = 1ULL << 53;
  const double share = static_cast<double>(random >> 11) / steps;
  return std::chrono::duration_cast<Duration>(most * share);
}

// Addresses as a set: the order of a DNS answer says nothing.
std::set<std::string> set_of(const std::vector<std::string>& addresses) {
  return {addresses.begin(), addresses.end()};
}

}  // namespace

NameRefresher::NameRefresher(net::Resolver& resolver, Answered answered,
                             NameRefreshSettings settings)
    : resolver_(resolver), answered_(std::move(answered)), settings_(settings) {}

void NameRefresher::watch(const std::vector<std::string>& names) {
  const std::set<std::string> wanted(names.begin(), names.end());
  std::erase_if(names_, [&](const auto& known) { return !wanted.contains(known.first); });
  for (const std::string& name : wanted)
    names_.try_emplace(name);
  woken_.notify_all();
}

Task<void> NameRefresher::resolve_new(Duration patience) {
  const async::TaskContext& task = co_await async::this_context();
  const Instant until = task.runtime->now() + patience;
  const auto ended = co_await with_deadline(until, drive_and_join(Which::untried));
  if (ended == WaitOutcome::cancelled) {
    throw Error(Condition::cancelled, "cancelled while names were looked up");
  }
  if (ended == WaitOutcome::timed_out && task.deadline <= until) {
    throw Error(Condition::timeout, "the deadline passed while names were looked up");
  }
}

Task<void> NameRefresher::run() {
  co_await drive_and_join(Which::due);
  throw Error(Condition::cancelled, "names are no longer kept fresh");
}

Task<WaitOutcome> NameRefresher::drive_and_join(Which which) {
  async::Scope scope(co_await async::this_context());
  const WaitOutcome ended = co_await drive(scope, which);
  scope.cancel();
  co_await scope.join();
  co_return ended;
}

// Until there is nothing to wait for (done), or the task's end comes.
Task<WaitOutcome> NameRefresher::drive(async::Scope& scope, Which which) {
  async::Runtime& runtime = *(co_await async::this_context()).runtime;
  const Instant deadline = (co_await async::this_context()).deadline;
  while (start_some(scope, which, runtime.now())) {
    const Instant next = which == Which::due ? next_due() : Instant::max();
    const WaitOutcome outcome = co_await with_deadline(next, woken());
    const bool only_a_pause = outcome == WaitOutcome::timed_out && runtime.now() < deadline;
    if (outcome != WaitOutcome::done && !only_a_pause) co_return outcome;
  }
  co_return WaitOutcome::done;
}

Task<WaitOutcome> NameRefresher::woken() { co_return co_await woken_.wait(); }

// Whether there is something to wait for.
bool NameRefresher::start_some(async::Scope& scope, Which which, Instant now) {
  bool more = which == Which::due;
  for (auto& [name, entry] : names_) {
    if (which == Which::untried && entry.tried) continue;
    more = true;
    if (running_ >= settings_.at_once) break;
    if (entry.running || entry.due > now) continue;
    entry.running = true;
    ++running_;
    scope.spawn(refresh(name), "resolve");
  }
  return more;
}

Instant NameRefresher::next_due() const {
  Instant next = Instant::max();
  if (running_ >= settings_.at_once) return next;
  for (const auto& [name, entry] : names_) {
    if (!entry.running) next = std::min(next, entry.due);
  }
  return next;
}

Task<void> NameRefresher::refresh(std::string name) {
  // However the look-up ends, also when its frame is dropped.
  struct Running {
    ~Running() {
      --self.running_;
      if (const auto found = self.names_.find(name); found != self.names_.end()) {
        found->second.running = false;
      }
      self.woken_.notify_all();
    }
    NameRefresher& self;
    const std::string& name;
  } const running{*this, name};

  async::Runtime& runtime = *(co_await async::this_context()).runtime;
  net::Answer answer;
  std::string error;
  try {
    answer = co_await with_deadline(runtime.now() + settings_.timeout, look_up(name));
  } catch (const Error& failure) {
    if (failure.condition() == Condition::cancelled) throw;
    error = failure.detail();
  }
  const auto found = names_.find(name);
  if (found == names_.end()) co_return;  // no longer watched
  found->second.tried = true;
  if (!error.empty()) co_return failed(name, found->second, error, runtime);
  succeeded(name, found->second, answer, runtime);
}

Task<net::Answer> NameRefresher::look_up(std::string name) {
  net::Answer answer = co_await resolver_.look_up(std::move(name));
  if (answer.addresses.empty()) {
    throw Error(Condition::not_found, "the answer has no address");
  }
  co_return answer;
}

void NameRefresher::succeeded(const std::string& name, Name& entry, const net::Answer& answer,
                              async::Runtime& runtime) {
  State& state = entry.state;
  try {
    if (set_of(state.addresses) != set_of(answer.addresses)) answered_(name, answer.addresses);
  } catch (const Error& refused) {
    return failed(name, entry, refused.detail(), runtime);
  }
  if (state.failures > 0) {
    log::info("name resolved again", {{"name", name}, {"failures", state.failures}});
  }
  state = {.addresses = answer.addresses, .answered = runtime.now(), .failures = 0, .error = {}};
  const Duration ttl = answer.ttl ? Duration(*answer.ttl) : settings_.longest;
  const Duration wait = std::clamp(ttl, settings_.shortest, settings_.longest);
  entry.due = runtime.now() + wait + drawn(wait / 10, runtime.random());
}

void NameRefresher::failed(const std::string& name, Name& entry, const std::string& error,
                           async::Runtime& runtime) const {
  State& state = entry.state;
  state.error = error;
  ++state.failures;
  if (state.failures == 1) {
    log::warn("name not resolved; the last answer stays",
              {{"name", name}, {"addresses", state.addresses.size()}, {"error", error}});
  }
  Duration wait = settings_.first_retry;
  for (int i = 1; i < state.failures && wait < settings_.longest_retry; ++i)
    wait *= 2;
  wait = std::min(wait, settings_.longest_retry);
  entry.due = runtime.now() + wait / 2 + drawn(wait / 2, runtime.random());
}

const std::vector<std::string>* NameRefresher::addresses_of(const std::string& name) const {
  const auto found = names_.find(name);
  if (found == names_.end() || found->second.state.addresses.empty()) return nullptr;
  return &found->second.state.addresses;
}

std::map<std::string, NameRefresher::State> NameRefresher::states() const {
  std::map<std::string, State> states;
  for (const auto& [name, entry] : names_)
    states.emplace(name, entry.state);
  return states;
}

}  // namespace sinew::proxy
