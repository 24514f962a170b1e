#include "sinew/gateway/process/engine_deployment.hpp"

#include <algorithm>
#include <utility>

#include "sinew/async/offload.hpp"
#include "sinew/base/error.hpp"

namespace sinew::gateway {
namespace {

// For the names of services, at a start and a reload; those without an answer by then are tried on.
constexpr Duration kPatienceForNames = std::chrono::seconds(5);
constexpr Duration kLook = std::chrono::milliseconds(2);  // at a start, whether all listen

bool contains(const std::vector<async::Endpoint>& all, const async::Endpoint& endpoint) {
  return std::ranges::find(all, endpoint) != all.end();
}

}  // namespace

EngineDeployment::EngineDeployment(async::WorkerGroup& group, proxy::ClusterDirectory& directory,
                                   proxy::AddressLocks& locks, Observer observer)
    : group_(group), directory_(directory), locks_(locks), observer_(std::move(observer)) {}

std::vector<std::string> EngineDeployment::claim(
    std::span<const proxy::ListenerSettings> listeners) {
  std::vector<proxy::ClaimedAddress> claimed;
  candidate_.clear();
  for (const auto& listener : listeners) {
    candidate_.push_back(listener.address);
    claimed.push_back({.endpoint = listener.address});
  }
  return locks_.claim(claimed);
}

Task<std::vector<proxy::ClusterPtr>> EngineDeployment::prepare(
    std::vector<proxy::ClusterSettings> clusters) {
  co_return co_await directory_.prepare(std::move(clusters), kPatienceForNames);
}

Task<void> EngineDeployment::replace(proxy::SnapshotPtr next) {
  if (engine_) {
    co_await engine_->replace(std::move(next));
  } else {
    co_await start(std::move(next));
  }
}

void EngineDeployment::commit() {
  directory_.commit();
  for (const auto& address : held_) {
    if (!contains(candidate_, address)) locks_.release(address);
  }
  held_ = std::exchange(candidate_, {});
}

void EngineDeployment::abandon() noexcept {
  directory_.abandon();
  for (const auto& address : candidate_) {
    if (!contains(held_, address)) locks_.release(address);
  }
  candidate_.clear();
}

Task<void> EngineDeployment::work(std::size_t worker) {
  auto& reactor = group_.reactor(worker + 1);
  std::exception_ptr failure;
  try {
    co_await async::call_on(reactor,
                            [this, &reactor, worker] { return engine_->work(reactor, worker); });
  } catch (...) {
    failure = std::current_exception();
  }
  ++ended_;
  if (failure) std::rethrow_exception(failure);
}

Task<void> EngineDeployment::start(proxy::SnapshotPtr first) {
  proxy::EngineOptions options;
  options.workers = group_.size() - 1;
  engine_.emplace(options, std::move(first), observer_);
  working_.emplace(group_.reactor(0), "workers");
  for (std::size_t worker = 0; worker < options.workers; ++worker)
    working_->spawn(work(worker));
  while (!engine_->listening() && ended_ == 0)
    co_await async::sleep_for(kLook);
  if (ended_ > 0) co_await drain(Duration::zero(), Duration::zero());
}

Task<void> EngineDeployment::drain(Duration announce, Duration patience) {
  if (!engine_) co_return;
  co_await engine_->drain(announce, patience);
  co_await working_->join();
}

}  // namespace sinew::gateway
