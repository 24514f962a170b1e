#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "sinew/proxy/cluster/ejection_word.hpp"
#include "sinew/proxy/cluster/endpoint_health.hpp"
#include "sinew/proxy/cluster/peak_latency.hpp"

namespace sinew::proxy {

// Where an endpoint is, and under which name: two names of one address are two endpoints, since
// they are asked for, and verified, as different hosts.
struct EndpointAddress {
  std::string host;     // of the target: Host, SNI and the name that a certificate must carry
  std::string address;  // numeric IPv4 or IPv6, without brackets
  std::uint16_t port = 0;

  auto operator<=>(const EndpointAddress&) const = default;
};

// What the endpoints of one cluster have in common, over all versions of its set. Shared by
// workers.
class ClusterSignals {
 public:
  // How often an endpoint became available or ceased to be: whoever derives something from that
  // derives it anew when this has moved. Read with acquire, moved with release: who sees the new
  // number sees the state that it stands for.
  std::uint64_t changes() const noexcept { return changes_.load(std::memory_order_acquire); }
  void changed() noexcept { changes_.fetch_add(1, std::memory_order_release); }

  // Endpoints of the current set, and those of them that are ejected.
  std::uint32_t members() const noexcept { return members_.load(std::memory_order_relaxed); }
  std::uint32_t ejected() const noexcept { return ejected_.load(std::memory_order_relaxed); }
  void set_members(std::uint32_t count) noexcept {
    members_.store(count, std::memory_order_relaxed);
  }

  // Counts one more ejected endpoint if that is at most `percent` of the members, or the only one
  // and `always_one`. Exact whoever asks at the same time.
  bool try_count_ejected(int percent, bool always_one) noexcept;
  void uncount_ejected() noexcept { ejected_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> changes_ = 0;
  std::atomic<std::uint32_t> members_ = 0;
  std::atomic<std::uint32_t> ejected_ = 0;
};

// One endpoint, as long as anybody uses it: it stays the same object from version to version of the
// set that it is in, and outlives its removal for the requests that it still serves.
//
// Shared by all workers, without locks. The address never changes. Each of the rest is one atomic
// word with transitions of one step, and no word is read together with another to decide anything
// that must be exact: counters are relaxed, since a choice by a count that is a moment old is as
// good; health and ejection are followed by ClusterSignals::changed().
class alignas(64) Endpoint {
 public:
  Endpoint(EndpointAddress address, std::shared_ptr<ClusterSignals> signals);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const EndpointAddress& address() const noexcept { return address_; }
  std::uint64_t id() const noexcept { return id_; }      // never given twice in a process
  std::uint64_t hash() const noexcept { return hash_; }  // of the address; stable
  ClusterSignals& signals() const noexcept { return *signals_; }

  // May be chosen: neither unhealthy nor ejected.
  bool available() const noexcept { return health_.available() && !ejection_.ejected(); }

  // In this process: requests begun and not ended, connections open.
  std::uint32_t active_requests() const noexcept {
    return active_requests_.load(std::memory_order_relaxed);
  }
  std::uint32_t active_connections() const noexcept {
    return active_connections_.load(std::memory_order_relaxed);
  }

  EndpointHealth& health() noexcept { return health_; }
  const EndpointHealth& health() const noexcept { return health_; }
  EjectionWord& ejection() noexcept { return ejection_; }
  const EjectionWord& ejection() const noexcept { return ejection_; }
  ConsecutiveFailures& failures() noexcept { return failures_; }
  PeakLatency& latency() noexcept { return latency_; }
  const PeakLatency& latency() const noexcept { return latency_; }

 private:
  friend class ActiveRequest;
  friend class OpenConnection;

  // The words that every request touches, on cache lines of their own.
  std::atomic<std::uint32_t> active_requests_ = 0;
  std::atomic<std::uint32_t> active_connections_ = 0;
  ConsecutiveFailures failures_;
  PeakLatency latency_;
  alignas(64) EndpointHealth health_;
  EjectionWord ejection_;
  std::uint64_t id_;
  std::uint64_t hash_;
  std::shared_ptr<ClusterSignals> signals_;
  EndpointAddress address_;
};

using EndpointPtr = std::shared_ptr<Endpoint>;

// A request that an endpoint serves, counted from construction to destruction, whatever ends it.
// Keeps the endpoint. One worker.
class ActiveRequest {
 public:
  explicit ActiveRequest(EndpointPtr endpoint) noexcept : endpoint_(std::move(endpoint)) {
    endpoint_->active_requests_.fetch_add(1, std::memory_order_relaxed);
  }
  ActiveRequest(ActiveRequest&&) noexcept = default;
  ActiveRequest& operator=(ActiveRequest&&) = delete;
  ~ActiveRequest() {
    if (endpoint_) endpoint_->active_requests_.fetch_sub(1, std::memory_order_relaxed);
  }

  Endpoint& endpoint() const noexcept { return *endpoint_; }  // not of one that was moved from

 private:
  EndpointPtr endpoint_;
};

// The same for a connection, from the moment it is being opened.
class OpenConnection {
 public:
  explicit OpenConnection(EndpointPtr endpoint) noexcept : endpoint_(std::move(endpoint)) {
    endpoint_->active_connections_.fetch_add(1, std::memory_order_relaxed);
  }
  OpenConnection(OpenConnection&&) noexcept = default;
  OpenConnection& operator=(OpenConnection&&) = delete;
  ~OpenConnection() {
    if (endpoint_) endpoint_->active_connections_.fetch_sub(1, std::memory_order_relaxed);
  }

  Endpoint& endpoint() const noexcept { return *endpoint_; }

 private:
  EndpointPtr endpoint_;
};

}  // namespace sinew::proxy
