#include "sinew/proxy/cluster/kept_cluster.hpp"

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/proxy/cluster/cluster_events.hpp"

namespace sinew::proxy {
namespace {

std::optional<ActiveChecks> checks_of(const ClusterSettings& settings) {
  if (!settings.active) return std::nullopt;
  return ActiveChecks(*settings.active);
}

// Whether something asks endpoints that are not used whether they may be used again.
bool checks_unhealthy(const ClusterSettings& settings) noexcept {
  return settings.active && settings.active->unhealthy_interval > Duration::zero();
}

}  // namespace

KeptCluster::KeptCluster(async::Runtime& runtime, ClusterSettings settings)
    : runtime_(runtime),
      registry_(std::make_shared<EndpointRegistry>(settings.hash_slots)),
      probe_(settings.probe),
      checks_(checks_of(settings)),
      sweep_at_(runtime.now()) {
  auto set = registry_->configure(settings.targets).set;
  cluster_ = std::make_shared<Cluster>(std::move(settings), std::move(set));
}

KeptCluster::KeptCluster(async::Runtime& runtime, ClusterSettings settings,
                         const KeptCluster& before)
    : runtime_(runtime),
      registry_(before.registry_),
      probe_(settings.probe),
      checks_(checks_of(settings)),
      sweep_at_(runtime.now()) {
  auto set = registry_->copy_with_slots(settings.hash_slots);
  if (checks_) checks_->know(*set, runtime.now());
  cluster_ = std::make_shared<Cluster>(std::move(settings), std::move(set));
}

bool KeptCluster::fits(const ClusterSettings& settings) const {
  auto other = settings;
  other.targets = cluster_->settings().targets;
  other.probe = cluster_->settings().probe;
  return other == cluster_->settings();
}

void KeptCluster::use(const ClusterSettings& settings, const KeptCluster* before,
                      const NameRefresher& names) {
  probe_ = settings.probe;
  if (before != nullptr) {
    registry_->use_slots(cluster_->settings().hash_slots);
    heal(*before->cluster_);
  }
  registry_->configure(settings.targets);
  for (const auto& name : registry_->names()) {
    if (const auto* addresses = names.addresses_of(name)) registry_->resolved(name, *addresses);
  }
  publish();
}

// An endpoint that is out would stay so for ever when what could end it is configured no longer.
void KeptCluster::heal(const Cluster& before) {
  const auto& settings = cluster_->settings();
  const bool judged_anew =
      settings.active != before.settings().active || settings.passive != before.settings().passive;
  for (const auto& member : registry_->current()->members()) {
    if (judged_anew && !checks_unhealthy(settings)) {
      set_health(*member.endpoint, HealthState::healthy);
    }
    if (before.outliers() != nullptr && cluster_->outliers() == nullptr) {
      before.outliers()->readmit(*member.endpoint);
    }
  }
}

void KeptCluster::resolved(std::string_view host, std::span<const std::string> addresses) {
  const auto change = registry_->resolved(host, addresses);
  if (change.added.empty() && change.removed.empty()) return;
  publish();
  log::info("a cluster's endpoints changed", {{"cluster", cluster_->settings().name},
                                              {"host", host},
                                              {"added", change.added.size()},
                                              {"removed", change.removed.size()},
                                              {"endpoints", change.set->members().size()}});
}

void KeptCluster::publish() {
  const auto& set = registry_->current();
  // Before anybody can choose a new one that has to be checked first.
  if (checks_) checks_->use(*set, runtime_.now());
  if (set != cluster_->endpoints()) cluster_->set_endpoints(set);
  woken_.notify_all();
}

void KeptCluster::leave() noexcept {
  left_ = true;
  woken_.notify_all();
}

Task<async::WaitOutcome> KeptCluster::woken() { co_return co_await woken_.wait(); }

Task<void> KeptCluster::keep(std::shared_ptr<KeptCluster> self) {
  async::Scope probes(co_await async::this_context());
  auto outcome = async::WaitOutcome::done;
  while (!self->left_ && outcome != async::WaitOutcome::cancelled) {
    const auto next = self->work(probes);
    outcome = co_await async::with_deadline(next, self->woken());
  }
  probes.cancel();
  co_await probes.join();
}

// Does what is due, and says when something is again.
Instant KeptCluster::work(async::Scope& probes) {
  const auto now = runtime_.now();
  auto next = Instant::max();
  if (const auto* outliers = cluster_->outliers()) {
    if (now >= sweep_at_) {
      outliers->sweep(*registry_->current(), now,
                      [&](Endpoint& endpoint) { note_readmission(*cluster_, endpoint, "time"); });
      sweep_at_ = now + outliers->settings().interval;
    }
    next = sweep_at_;
  }
  if (!checks_) return next;
  while (auto due = checks_->next(now))
    probes.spawn(check(*std::move(due)), "a health check");
  return std::min(next, checks_->wakes_at());
}

Task<void> KeptCluster::check(ActiveChecks::Check check) {
  const Probe probe = probe_;
  const auto result = co_await send_probe(probe, check.endpoint->address(), check.deadline);
  if (!left_) ended(check, result);
}

void KeptCluster::ended(const ActiveChecks::Check& check, const ProbeResult& result) {
  const auto now = runtime_.now();
  auto& endpoint = *check.endpoint;
  const auto transition =
      result.signal ? checks_->ended(check.id, *result.signal, now, runtime_.random())
                    : checks_->ended_with_status(check.id, result.status, now, runtime_.random());
  if (transition) {
    const auto& reason =
        result.status == 0 ? result.reason : "status " + std::to_string(result.status);
    note_transition(*cluster_, endpoint, *transition, "probe", reason);
  }
  const bool success =
      result.signal
          ? *result.signal == HealthSignal::success
          : StatusSet(cluster_->settings().active->healthy_statuses).contains(result.status);
  const auto* outliers = cluster_->outliers();
  if (success && outliers != nullptr && outliers->readmit(endpoint)) {
    note_readmission(*cluster_, endpoint, "probe");
  }
  woken_.notify_all();
}

}  // namespace sinew::proxy
