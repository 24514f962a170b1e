#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/config_scalar.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::resilience {

struct CacheSettings {
  std::int64_t max_entries = 1'000;
  config::ByteSize max_bytes{16U << 20U};       // of all keys and values
  config::ByteSize max_entry_bytes{1U << 20U};  // a larger answer is given and not kept
  Duration fresh = std::chrono::minutes(1);     // age up to which an answer is given as it is
  // Age up to which it is given when a new one cannot be had; 0: never.
  Duration max_age_on_error = Duration::zero();
  int max_waiting = 1'000;  // callers that wait for the call of another; more are refused

  static void describe(config::Section<CacheSettings>& section);
  std::vector<std::string> violations() const;
};

// Answers by key, bounded by entries and bytes; what was not used for longest goes first. Values
// are whatever its owner keeps in them, one type a cache. Belongs to one worker. Only put()
// allocates.
class Cache {
 public:
  using Value = std::shared_ptr<const void>;
  enum class Freshness : std::uint8_t {
    missing,  // there is none, or it is too old for everything
    fresh,
    stale,  // to be given only when a new one cannot be had
  };
  struct Found {
    Freshness freshness = Freshness::missing;
    Value value;
    Duration age = Duration::zero();
  };

  // Throws Error invalid_input listing every violation.
  explicit Cache(const CacheSettings& settings = {});
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // What there is; counted as a hit when fresh, else as a miss.
  Found find(std::string_view key, Instant now) noexcept;
  // The same for whoever could not get a new one; counts what is given in the end.
  Found find_on_error(std::string_view key, Instant now) noexcept;
  // Keeps it, instead of what it had. `bytes`: of the value, as its owner counts; those of the key
  // and `kEntryBytes` are added. False: too large, and what it had of that key is gone.
  bool put(std::string_view key, Value value, std::uint64_t bytes, Instant now);
  bool erase(std::string_view key) noexcept;
  std::size_t clear() noexcept;  // gives how many there were

  static constexpr std::uint64_t kEntryBytes = 200;  // of a list node, an index node and a control
                                                     // block, on the safe side

  struct Snapshot {
    std::uint64_t entries;
    std::uint64_t bytes;
    std::uint64_t hits;  // ever, as all below
    std::uint64_t misses;
    std::uint64_t stale;      // given on an error
    std::uint64_t evicted;    // for want of room
    std::uint64_t too_large;  // not kept
  };
  Snapshot snapshot() const noexcept;
  const CacheSettings& settings() const noexcept { return settings_; }

 private:
  struct Entry {
    std::string key;
    Value value;
    std::uint64_t bytes;
    Instant stored;
  };
  using Place = std::list<Entry>::iterator;

  Found look(std::string_view key, Instant now) noexcept;
  void remove(Place place) noexcept;

  CacheSettings settings_;
  std::list<Entry> entries_;                            // used last: in front
  std::unordered_map<std::string_view, Place> places_;  // its keys are those of the entries
  std::uint64_t bytes_ = 0;
  Snapshot counts_{};
};

}  // namespace sinew::resilience
