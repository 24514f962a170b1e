#include "sinew/proxy/cluster/cluster_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/proxy/cluster/kept_cluster.hpp"

namespace sinew::proxy {
namespace {

void require_valid(const std::vector<ClusterSettings>& settings) {
  std::string problems;
  std::set<std::string_view> names;
  for (const auto& cluster : settings) {
    for (const auto& violation : violations(cluster))
      problems += fmt::format("\n  cluster {}: {}", cluster.name, violation);
    if (!names.insert(cluster.name).second) {
      problems += fmt::format("\n  cluster {} is there twice", cluster.name);
    }
  }
  if (problems.empty()) return;
  throw Error(Condition::invalid_input, "the clusters are not usable:" + problems);
}

void add_names(std::vector<std::string>& names, const ClusterSettings& settings) {
  for (const auto& target : settings.targets) {
    if (!net::is_numeric_address(target.host)) names.push_back(target.host);
  }
}

}  // namespace

struct ClusterDirectory::State {
  struct Prepared {
    KeptClusterPtr kept;
    KeptClusterPtr before;  // of the same name with other settings; null: none
    ClusterSettings settings;
  };

  State(async::Runtime& runtime_, net::Resolver& resolver)
      : runtime(runtime_), names(resolver, [this](const auto& name, const auto& addresses) {
          resolved(name, addresses);
        }) {}

  Prepared prepare(ClusterSettings settings) const;
  void resolved(const std::string& name, const std::vector<std::string>& addresses);
  void watch_names();
  void start(const KeptClusterPtr& cluster) {
    if (running != nullptr && cluster->looks_after_endpoints()) {
      running->spawn(KeptCluster::keep(cluster), "a cluster's health");
    }
  }

  async::Runtime& runtime;
  NameRefresher names;
  std::vector<KeptClusterPtr> kept;
  std::vector<ClusterPtr> clusters;  // of `kept`
  std::vector<Prepared> prepared;
  async::Scope* running = nullptr;  // of run()
};

ClusterDirectory::State::Prepared ClusterDirectory::State::prepare(ClusterSettings settings) const {
  const auto known =
      std::ranges::find(kept, settings.name, [](const auto& cluster) -> const std::string& {
        return cluster->cluster()->settings().name;
      });
  if (known == kept.end()) {
    auto cluster = std::make_shared<KeptCluster>(runtime, settings);
    cluster->use(settings, nullptr, names);  // nobody else has it
    return {std::move(cluster), nullptr, std::move(settings)};
  }
  if ((*known)->fits(settings)) return {*known, nullptr, std::move(settings)};
  return {std::make_shared<KeptCluster>(runtime, settings, **known), *known, std::move(settings)};
}

// All clusters hear of it; then the first failure comes out.
void ClusterDirectory::State::resolved(const std::string& name,
                                       const std::vector<std::string>& addresses) {
  std::exception_ptr failure;
  for (const auto& cluster : kept) {
    try {
      cluster->resolved(name, addresses);
    } catch (const Error&) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void ClusterDirectory::State::watch_names() {
  std::vector<std::string> wanted;
  for (const auto& cluster : kept)
    std::ranges::move(cluster->names(), std::back_inserter(wanted));
  names.watch(wanted);
}

ClusterDirectory::ClusterDirectory(async::Runtime& runtime, net::Resolver& resolver)
    : state_(std::make_unique<State>(runtime, resolver)) {}

ClusterDirectory::~ClusterDirectory() = default;

Task<std::vector<ClusterPtr>> ClusterDirectory::prepare(std::vector<ClusterSettings> settings,
                                                        Duration patience) {
  require_valid(settings);
  abandon();
  std::vector<std::string> names;
  for (const auto& cluster : state_->kept)
    std::ranges::move(cluster->names(), std::back_inserter(names));
  for (const auto& cluster : settings)
    add_names(names, cluster);
  state_->names.watch(names);
  co_await state_->names.resolve_new(patience);

  std::vector<ClusterPtr> clusters;
  for (auto& cluster : settings) {
    state_->prepared.push_back(state_->prepare(std::move(cluster)));
    clusters.push_back(state_->prepared.back().kept->cluster());
  }
  co_return clusters;
}

void ClusterDirectory::commit() {
  auto& state = *state_;
  const auto prepared = std::exchange(state.prepared, {});
  const auto earlier = std::exchange(state.kept, {});
  state.clusters.clear();
  for (const auto& next : prepared) {
    state.kept.push_back(next.kept);
    state.clusters.push_back(next.kept->cluster());
  }
  const std::set<KeptClusterPtr> staying(state.kept.begin(), state.kept.end());
  const std::set<KeptClusterPtr> known(earlier.begin(), earlier.end());
  for (const auto& cluster : earlier) {
    if (!staying.contains(cluster)) cluster->leave();
  }
  for (const auto& next : prepared) {
    try {
      next.kept->use(next.settings, next.before.get(), state.names);
    } catch (const Error& error) {
      log::error("a cluster goes on with the endpoints that it had",
                 {{"cluster", next.settings.name}, {"error", error.detail()}});
    }
    if (!known.contains(next.kept)) state.start(next.kept);
  }
  state.watch_names();
}

void ClusterDirectory::abandon() noexcept {
  state_->prepared.clear();
  state_->watch_names();
}

Task<void> ClusterDirectory::run() {
  async::Scope scope(co_await async::this_context());
  struct Running {
    explicit Running(async::Scope*& of_, async::Scope& scope) : of(of_) { of = &scope; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { of = nullptr; }
    async::Scope*& of;
  };
  const Running running(state_->running, scope);
  for (const auto& cluster : state_->kept)
    state_->start(cluster);
  scope.spawn(state_->names.run(), "names");
  co_await scope.join();
}

const std::vector<ClusterPtr>& ClusterDirectory::clusters() const noexcept {
  return state_->clusters;
}

std::map<std::string, NameRefresher::State> ClusterDirectory::names() const {
  return state_->names.states();
}

}  // namespace sinew::proxy
