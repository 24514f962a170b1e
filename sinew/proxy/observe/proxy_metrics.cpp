#include "sinew/proxy/observe/proxy_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <numeric>
#include <set>
#include <utility>

#include "sinew/proxy/observe/metrics_text.hpp"

namespace sinew::proxy {
namespace {

constexpr std::array<std::string_view, ProxyMetrics::kStatusClasses> kStatusNames = {
    "none", "1xx", "2xx", "3xx", "4xx", "5xx"};

constexpr auto kUpstreamFlags = std::to_array(
    {ResponseFlag::connect_failed, ResponseFlag::upstream_closed, ResponseFlag::upstream_reset,
     ResponseFlag::upstream_malformed, ResponseFlag::upstream_timeout});

std::size_t class_of(int status) noexcept {
  const auto first = static_cast<std::size_t>(std::max(status, 0)) / 100;
  return first < ProxyMetrics::kStatusClasses ? first : ProxyMetrics::kStatusClasses - 1;
}

std::string_view cluster_name(const Cluster* cluster) noexcept {
  return cluster == nullptr ? std::string_view() : cluster->settings().name;
}

template <std::size_t Size>
std::uint64_t sum(const std::array<OwnCount, Size>& counts) noexcept {
  return std::accumulate(
      counts.begin(), counts.end(), std::uint64_t{0},
      [](std::uint64_t so_far, const OwnCount& one) { return so_far + one.value(); });
}

void add(OwnCount& to, const OwnCount& from) noexcept { to.add(from.value()); }
template <std::size_t Size>
void add(std::array<OwnCount, Size>& to, const std::array<OwnCount, Size>& from) noexcept {
  for (std::size_t i = 0; i < Size; ++i)
    to[i].add(from[i].value());
}

void add(ProxyMetrics::RouteCell& to, const ProxyMetrics::RouteCell& from) noexcept {
  add(to.answers, from.answers);
  add(to.flags, from.flags);
  add(to.received_bytes, from.received_bytes);
  add(to.sent_bytes, from.sent_bytes);
  add(to.retries, from.retries);
  add(to.upgrades, from.upgrades);
  to.duration.add(from.duration);
  to.upstream_duration.add(from.upstream_duration);
}
void add(ProxyMetrics::EndpointCell& to, const ProxyMetrics::EndpointCell& from) noexcept {
  add(to.answers, from.answers);
  add(to.failures, from.failures);
}

// The cells of all workers, by name; nothing else uses them.
template <typename Name, typename Cell>
class Merged {
 public:
  void merge(const Cell& cell) {
    if (sum(cell.answers) == 0) return;
    auto& merged = cells_[cell.name];
    if (merged == nullptr) merged = std::make_unique<Cell>(cell.name);
    add(*merged, cell);
  }
  void merge(const CellIndex<Name, Cell>& index) {
    for (const auto& [name, cell] : index.cells())
      merge(*cell);
  }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [name, cell] : cells_)
      visit(*cell);
  }

 private:
  std::map<Name, std::unique_ptr<Cell>> cells_;
};
using Routes = Merged<ProxyMetrics::RouteName, ProxyMetrics::RouteCell>;
using Endpoints = Merged<ProxyMetrics::EndpointName, ProxyMetrics::EndpointCell>;
using RouteCell = ProxyMetrics::RouteCell;
using EndpointCell = ProxyMetrics::EndpointCell;

void write_answers(MetricsText& text, const Routes& routes) {
  text.counter("sinew_proxy_requests_total",
               "Exchanges that ended, by route, the cluster it leads to, and class of status.");
  routes.for_each([&](const RouteCell& cell) {
    for (std::size_t i = 0; i < ProxyMetrics::kStatusClasses; ++i) {
      if (const auto count = cell.answers[i].value(); count > 0)
        text.sample({{"route", cell.name.route},
                     {"service", cell.name.service},
                     {"cluster", cell.name.cluster},
                     {"status", kStatusNames[i]}},
                    count);
    }
  });
  text.counter("sinew_proxy_response_flags_total", "Why exchanges did not go as meant.");
  routes.for_each([&](const RouteCell& cell) {
    for (std::size_t i = 0; i < kResponseFlags; ++i) {
      if (const auto count = cell.flags[i].value(); count > 0)
        text.sample({{"route", cell.name.route},
                     {"service", cell.name.service},
                     {"flag", code_of(static_cast<ResponseFlag>(i))}},
                    count);
    }
  });
}

void write_counter(MetricsText& text, const Routes& routes, std::string_view name,
                   std::string_view help, OwnCount RouteCell::* count) {
  text.counter(name, help);
  routes.for_each([&](const RouteCell& cell) {
    text.sample({{"route", cell.name.route}, {"service", cell.name.service}},
                (cell.*count).value());
  });
}

std::string seconds_text(Duration bound) {
  return fmt::format("{}", std::chrono::duration<double>(bound).count());
}

void write_histogram(MetricsText& text, const Routes& routes, std::string_view name,
                     std::string_view help, DurationHistogram RouteCell::* histogram) {
  text.histogram(name, help);
  std::array<std::string, kDurationBuckets> bounds;
  std::ranges::transform(kDurationBounds, bounds.begin(), seconds_text);
  bounds.back() = "+Inf";
  routes.for_each([&](const RouteCell& cell) {
    const DurationHistogram& of_cell = cell.*histogram;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < kDurationBuckets; ++i) {
      count += of_cell.in_bucket(i);
      text.part("_bucket",
                {{"route", cell.name.route}, {"service", cell.name.service}, {"le", bounds[i]}},
                count);
    }
    const MetricsText::Label route = {"route", cell.name.route};
    const MetricsText::Label service = {"service", cell.name.service};
    text.part("_sum", {route, service}, static_cast<double>(of_cell.nanoseconds()) * 1e-9);
    text.part("_count", {route, service}, count);
  });
}

void write_endpoints(MetricsText& text, const Endpoints& endpoints) {
  text.counter(
      "sinew_proxy_endpoint_requests_total",
      "Exchanges whose last attempt an endpoint answered, by its class of status; none: it "
      "did not.");
  endpoints.for_each([&](const EndpointCell& cell) {
    for (std::size_t i = 0; i < ProxyMetrics::kStatusClasses; ++i) {
      if (const auto count = cell.answers[i].value(); count > 0)
        text.sample({{"cluster", cell.name.cluster},
                     {"host", cell.name.host},
                     {"endpoint", cell.name.address},
                     {"status", kStatusNames[i]}},
                    count);
    }
  });
  text.counter("sinew_proxy_endpoint_failures_total",
               "Exchanges that ended with the failure of an endpoint, by response flag.");
  endpoints.for_each([&](const EndpointCell& cell) {
    for (const ResponseFlag flag : kUpstreamFlags) {
      if (const auto count = cell.failures[static_cast<std::size_t>(flag)].value(); count > 0)
        text.sample({{"cluster", cell.name.cluster},
                     {"host", cell.name.host},
                     {"endpoint", cell.name.address},
                     {"flag", code_of(flag)}},
                    count);
    }
  });
}

std::set<ProxyMetrics::RouteName> routes_of(const Snapshot& snapshot) {
  std::set<ProxyMetrics::RouteName> names;
  for (const Route& route : snapshot.routes) {
    const Cluster* const cluster =
        route.cluster < snapshot.clusters.size() ? snapshot.clusters[route.cluster].get() : nullptr;
    names.insert({route.name, route.service, std::string(cluster_name(cluster))});
    names.insert({route.name, route.service, ""});
  }
  return names;
}

std::set<ProxyMetrics::EndpointName> endpoints_of(const Snapshot& snapshot) {
  std::set<ProxyMetrics::EndpointName> names;
  for (const ClusterPtr& cluster : snapshot.clusters) {
    for (const auto& member : cluster->endpoints()->members())
      names.insert({cluster->settings().name, member.endpoint->address().host,
                    address_text(*member.endpoint)});
  }
  return names;
}

// Adds what `index` counts under names that `current` has not.
template <typename Name, typename Cell>
void sum_removed(const CellIndex<Name, Cell>& index, const std::set<Name>& current,
                 std::map<Name, std::uint64_t>& removed) {
  for (const auto& [name, cell] : index.cells()) {
    if (!current.contains(name)) removed[name] += sum(cell->answers);
  }
}

// Those of `removed` whose count has been the same for long enough; `seen` is what is known of the
// last times, of which only what is still waited for is kept.
template <typename Name, typename Seen>
std::vector<Name> stale(const std::map<Name, std::uint64_t>& removed, std::map<Name, Seen>& seen,
                        Instant now) {
  std::vector<Name> names;
  std::map<Name, Seen> next;
  for (const auto& [name, count] : removed) {
    const auto before = seen.find(name);
    const bool same = before != seen.end() && before->second.count == count;
    const Seen last = same ? before->second : Seen{count, now};
    if (now - last.since >= ProxyMetrics::kKeepRemoved) {
      names.push_back(name);
    } else {
      next.emplace(name, last);
    }
  }
  seen = std::move(next);
  return names;
}

}  // namespace

std::string address_text(const Endpoint& endpoint) {
  const EndpointAddress& where = endpoint.address();
  const bool brackets = where.address.find(':') != std::string::npos;
  return (brackets ? '[' + where.address + ']' : where.address) + ':' + std::to_string(where.port);
}

ProxyMetrics::ProxyMetrics(std::size_t workers) {
  for (std::size_t i = 0; i < workers; ++i)
    workers_.push_back(std::make_unique<Worker>());
}

ProxyMetrics::Worker::Worker()
    : no_route_(RouteName{}),
      other_routes_(RouteName{.route = "other", .service = "other", .cluster = "other"}),
      other_endpoints_(EndpointName{.cluster = "other", .host = "other", .address = "other"}) {}

void ProxyMetrics::Worker::count(const ExchangeRecord& record) noexcept {
  RouteCell& cell = record.route == nullptr ? no_route_ : cell_of(*record.route, record.cluster);
  cell.answers[class_of(record.status)].add();
  record.flags.for_each(
      [&](ResponseFlag flag) { cell.flags[static_cast<std::size_t>(flag)].add(); });
  cell.received_bytes.add(record.received_bytes);
  cell.sent_bytes.add(record.sent_bytes);
  if (record.attempts > 1) cell.retries.add(static_cast<std::uint64_t>(record.attempts) - 1);
  if (record.upgraded) cell.upgrades.add();
  if (record.ended >= record.began) cell.duration.observe(record.ended - record.began);
  if (record.endpoint != nullptr && record.cluster != nullptr) count_endpoint(record);
  if (record.answer_head != Instant() && record.answer_head >= record.upstream)
    cell.upstream_duration.observe(record.answer_head - record.upstream);
}

void ProxyMetrics::Worker::count_endpoint(const ExchangeRecord& record) noexcept {
  EndpointCell& cell = cell_of(*record.endpoint, *record.cluster);
  cell.answers[class_of(record.upstream_status)].add();
  record.flags.for_each(
      [&](ResponseFlag flag) { cell.failures[static_cast<std::size_t>(flag)].add(); });
}

ProxyMetrics::RouteCell& ProxyMetrics::Worker::cell_of(const Route& route,
                                                       const Cluster* cluster) noexcept try {
  const auto number = reinterpret_cast<std::uintptr_t>(&route);
  RouteCell* cell = routes_.find(number);
  // Another snapshot's route may lie where one of an earlier snapshot lay.
  if (cell != nullptr && cell->name.route == route.name && cell->name.service == route.service &&
      cell->name.cluster == cluster_name(cluster)) {
    return *cell;
  }
  cell = routes_.put(number, {route.name, route.service, std::string(cluster_name(cluster))},
                     kMaxCountedRoutes);
  return cell == nullptr ? other_routes_ : *cell;
} catch (const std::bad_alloc&) {
  return other_routes_;
}

ProxyMetrics::EndpointCell& ProxyMetrics::Worker::cell_of(const Endpoint& endpoint,
                                                          const Cluster& cluster) noexcept try {
  if (EndpointCell* const cell = endpoints_.find(endpoint.id())) return *cell;
  EndpointCell* const cell = endpoints_.put(
      endpoint.id(), {cluster.settings().name, endpoint.address().host, address_text(endpoint)},
      kMaxCountedEndpoints);
  return cell == nullptr ? other_endpoints_ : *cell;
} catch (const std::bad_alloc&) {
  return other_endpoints_;
}

void ProxyMetrics::write(std::string& out) const {
  Routes routes;
  Endpoints endpoints;
  for (const auto& worker : workers_) {
    routes.merge(worker->routes_);
    routes.merge(worker->no_route_);
    routes.merge(worker->other_routes_);
    endpoints.merge(worker->endpoints_);
    endpoints.merge(worker->other_endpoints_);
  }
  MetricsText text(out);
  write_answers(text, routes);
  write_counter(text, routes, "sinew_proxy_received_bytes_total",
                "Bytes from clients: heads, framing and bodies, without TLS.",
                &RouteCell::received_bytes);
  write_counter(text, routes, "sinew_proxy_sent_bytes_total", "Bytes to clients.",
                &RouteCell::sent_bytes);
  write_counter(text, routes, "sinew_proxy_retries_total", "Attempts after the first.",
                &RouteCell::retries);
  write_counter(text, routes, "sinew_proxy_upgrades_total", "Exchanges that became tunnels.",
                &RouteCell::upgrades);
  write_histogram(text, routes, "sinew_proxy_request_duration_seconds",
                  "From a request's first byte to the end of its answer.", &RouteCell::duration);
  write_histogram(text, routes, "sinew_proxy_upstream_duration_seconds",
                  "From an upstream's connection to the head of its answer.",
                  &RouteCell::upstream_duration);
  write_endpoints(text, endpoints);
}

void ProxyMetrics::forget_removed(const Snapshot& current, Instant now) {
  const std::scoped_lock lock(mutex_);
  const auto routes = routes_of(current);
  const auto endpoints = endpoints_of(current);
  std::map<RouteName, std::uint64_t> old_routes;
  std::map<EndpointName, std::uint64_t> old_endpoints;
  for (const auto& worker : workers_) {
    sum_removed(worker->routes_, routes, old_routes);
    sum_removed(worker->endpoints_, endpoints, old_endpoints);
  }
  for (const auto& name : stale(old_routes, removed_routes_, now)) {
    for (const auto& worker : workers_)
      worker->routes_.forget(name);
  }
  for (const auto& name : stale(old_endpoints, removed_endpoints_, now)) {
    for (const auto& worker : workers_)
      worker->endpoints_.forget(name);
  }
}

ProxyMetrics::Counted ProxyMetrics::counted() const {
  Counted counted;
  for (const auto& worker : workers_) {
    counted.routes += worker->routes_.size();
    counted.endpoints += worker->endpoints_.size();
  }
  return counted;
}

}  // namespace sinew::proxy
