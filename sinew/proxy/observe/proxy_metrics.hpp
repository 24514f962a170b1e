#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/proxy/observe/cell_index.hpp"
#include "sinew/proxy/observe/duration_histogram.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"
#include "sinew/proxy/snapshot.hpp"

namespace sinew::proxy {

// Routes and endpoints that a worker counts apart; those beyond are counted as "other".
inline constexpr std::size_t kMaxCountedRoutes = 20'000;
inline constexpr std::size_t kMaxCountedEndpoints = 20'000;

// What is counted of exchanges, by route and by endpoint, and written at a scrape: see
// docs/reference/proxy-observability.md for the names.
//
// Each worker counts in cells of its own, with plain steps that nobody else makes, so workers share
// nothing. A cell is made when the first exchange of its route or endpoint ends: those without
// traffic cost nothing, others at most kRouteBytes or kEndpointBytes a worker and their names.
class ProxyMetrics {
 public:
  explicit ProxyMetrics(std::size_t workers);
  ProxyMetrics(const ProxyMetrics&) = delete;
  ProxyMetrics& operator=(const ProxyMetrics&) = delete;

  // Index of a status: 0 none was sent, else its first digit.
  static constexpr std::size_t kStatusClasses = 6;

  struct RouteName {
    std::string route = {};  // empty: no route was found
    std::string service = {};
    std::string cluster = {};
    auto operator<=>(const RouteName&) const = default;
  };
  struct RouteCell {
    explicit RouteCell(RouteName its_name) : name(std::move(its_name)) {}

    const RouteName name;
    std::atomic<bool> forgotten = false;
    std::array<OwnCount, kStatusClasses> answers;
    std::array<OwnCount, kResponseFlags> flags;
    OwnCount received_bytes;
    OwnCount sent_bytes;
    OwnCount retries;
    OwnCount upgrades;
    DurationHistogram duration;
    DurationHistogram upstream_duration;
  };

  struct EndpointName {
    std::string cluster = {};
    std::string host = {};     // of the target
    std::string address = {};  // with the port
    auto operator<=>(const EndpointName&) const = default;
  };
  struct EndpointCell {
    explicit EndpointCell(EndpointName its_name) : name(std::move(its_name)) {}

    const EndpointName name;
    std::atomic<bool> forgotten = false;
    std::array<OwnCount, kStatusClasses> answers;
    std::array<OwnCount, kResponseFlags> failures;  // those of upstreams
  };

  static constexpr std::size_t kRouteBytes = 1'024;
  static constexpr std::size_t kEndpointBytes = 512;
  static_assert(sizeof(RouteCell) <= kRouteBytes && sizeof(EndpointCell) <= kEndpointBytes);

  class Worker {
   public:
    Worker();
    // On the worker; no lock and no allocation but when a route or endpoint is first met.
    void count(const ExchangeRecord& record) noexcept;

   private:
    friend ProxyMetrics;
    RouteCell& cell_of(const Route& route, const Cluster* cluster) noexcept;
    EndpointCell& cell_of(const Endpoint& endpoint, const Cluster& cluster) noexcept;
    void count_endpoint(const ExchangeRecord& record) noexcept;

    CellIndex<RouteName, RouteCell> routes_;
    CellIndex<EndpointName, EndpointCell> endpoints_;
    RouteCell no_route_;
    RouteCell other_routes_;
    EndpointCell other_endpoints_;
  };
  Worker& worker(std::size_t index) noexcept { return *workers_[index]; }

  // The rest is from any thread.

  // Appends all families in Prometheus' text format.
  void write(std::string& out) const;

  // Cells of routes and endpoints that `current` does not have disappear when nothing was counted
  // in them for this long: by then every scraper has seen the last of them. To be called now and
  // then.
  static constexpr Duration kKeepRemoved = std::chrono::minutes(10);
  void forget_removed(const Snapshot& current, Instant now);

  // What its counting takes, over all workers.
  struct Counted {
    std::size_t routes = 0;     // cells
    std::size_t endpoints = 0;  // cells
    bool operator==(const Counted&) const = default;
  };
  Counted counted() const;

 private:
  struct LastSeen {
    std::uint64_t count = 0;
    Instant since;
  };

  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  std::map<RouteName, LastSeen> removed_routes_;        // guarded by mutex_
  std::map<EndpointName, LastSeen> removed_endpoints_;  // guarded by mutex_
};

// The address and port of an endpoint as labels and logs have it: 192.0.2.1:80, [2001:db8::1]:80.
std::string address_text(const Endpoint& endpoint);

}  // namespace sinew::proxy
