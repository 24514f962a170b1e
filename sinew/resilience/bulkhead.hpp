#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::resilience {

struct BulkheadSettings {
  int max_concurrent = 16;  // calls at the same time
  int max_waiting = 64;     // calls that wait for a place; 0: what finds none is refused at once
  Duration max_wait = std::chrono::seconds(1);  // for a place

  static void describe(config::Section<BulkheadSettings>& section);
  std::vector<std::string> violations() const;
};

// Keeps one slow target from taking all there is: so many calls at the same time, so many more that
// wait, the rest is refused. It counts; the queue itself, in order of arrival, is its caller's.
// Shared by threads; no call takes a lock, allocates or throws, both counts are one atomic word.
class Bulkhead {
 public:
  enum class Entry : std::uint8_t {
    entered,  // go on; leave() afterwards
    waits,    // until a leaving call hands its place over, or give_up()
    refused,  // the caller answers `exhausted`, applied no
  };

  // Throws Error invalid_input listing every violation.
  explicit Bulkhead(const BulkheadSettings& settings = {});

  Entry enter() noexcept;
  // Until when a call that waits from now on has patience.
  Instant patience(Instant now) const noexcept;
  // A call ends. True: its place now belongs to one of those that wait; the caller wakes it, and it
  // must leave() in its turn.
  bool leave() noexcept;
  // A call that waits, and was not handed a place, waits no longer.
  void give_up() noexcept;

  struct Snapshot {
    std::uint64_t running;
    std::uint64_t waiting;
    std::uint64_t refused;  // ever
    std::uint64_t gave_up;  // ever
  };
  Snapshot snapshot() const noexcept;
  const BulkheadSettings& settings() const noexcept { return settings_; }

 private:
  BulkheadSettings settings_;
  std::atomic<std::uint64_t> word_ = 0;  // running in the upper half, waiting in the lower
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> gave_up_ = 0;
};

}  // namespace sinew::resilience
