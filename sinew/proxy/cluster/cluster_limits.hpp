#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/base/config_fwd.hpp"

namespace sinew::proxy {

// What a cluster takes at the same time, over all workers. Envoy's defaults.
struct ClusterLimitSettings {
  std::int64_t max_connections = 1'024;  // open or being opened
  std::int64_t max_pending = 1'024;      // requests that wait for a connection
  std::int64_t max_requests = 1'024;     // requests that an endpoint works on
  std::int64_t max_retries = 3;          // of those, retries

  bool operator==(const ClusterLimitSettings&) const = default;
  static void describe(config::Section<ClusterLimitSettings>& section);
};

enum class ClusterLimit : std::uint8_t { connections, pending, requests, retries };
inline constexpr std::size_t kClusterLimits = 4;
std::string_view to_string(ClusterLimit limit) noexcept;

// Counts what a cluster has in use against its limits. Shared by workers: each count is one relaxed
// atomic, so a limit holds exactly whoever asks at the same time, and says nothing about another
// limit. No call takes a lock, allocates or throws.
class ClusterLimits {
 public:
  // A place of a limit, given back when the permit ends, however its holder ends. Must not outlive
  // the limits.
  class Permit {
   public:
    Permit(Permit&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      if (this != &other) {
        release();
        count_ = std::exchange(other.count_, nullptr);
      }
      return *this;
    }
    ~Permit() { release(); }
    // Gives it back now; again does nothing.
    void release() noexcept {
      if (auto* count = std::exchange(count_, nullptr))
        count->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend ClusterLimits;
    explicit Permit(std::atomic<std::int64_t>& count) noexcept : count_(&count) {}

    std::atomic<std::int64_t>* count_;
  };

  // Throws Error invalid_input listing every violation.
  explicit ClusterLimits(const ClusterLimitSettings& settings = {});
  ClusterLimits(const ClusterLimits&) = delete;
  ClusterLimits& operator=(const ClusterLimits&) = delete;

  // Nothing: the limit is reached; the caller answers 503 for it.
  std::optional<Permit> try_take(ClusterLimit limit) noexcept;

  // From now on; what is in use above a lowered limit stays. Throws as the constructor.
  void configure(const ClusterLimitSettings& settings);

  struct Use {
    std::int64_t in_use;
    std::int64_t maximum;
    std::uint64_t refused;  // ever
  };
  Use use(ClusterLimit limit) const noexcept;

 private:
  struct Place {
    std::atomic<std::int64_t> in_use = 0;
    std::atomic<std::int64_t> maximum = 0;
    std::atomic<std::uint64_t> refused = 0;
  };

  Place& place(ClusterLimit limit) noexcept { return places_[static_cast<std::size_t>(limit)]; }

  std::array<Place, kClusterLimits> places_;
};

}  // namespace sinew::proxy
