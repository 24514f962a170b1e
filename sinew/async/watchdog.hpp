#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "sinew/base/instant.hpp"

namespace sinew::async {

// What a worker does at this moment, published by it and read by the watchdog: two relaxed stores a
// step, no clock. A step is a resumed task, a batch of completions, the end of a turn.
class Activity {
 public:
  struct Sample {
    std::uint64_t step = 0;
    const char* name = nullptr;  // of the handler; nullptr while the worker waits for events
  };

  void begin(const char* name) noexcept {
    name_.store(name, std::memory_order_relaxed);
    step_.store(++steps_, std::memory_order_release);
  }
  void idle() noexcept { begin(nullptr); }

  Sample sample() const noexcept {
    const std::uint64_t step = step_.load(std::memory_order_acquire);
    return {step, name_.load(std::memory_order_relaxed)};
  }

 private:
  std::uint64_t steps_ = 0;
  std::atomic<std::uint64_t> step_ = 0;
  std::atomic<const char*> name_ = nullptr;
};

struct Stall {
  const char* handler;  // static storage
  Duration duration;    // until now, at least: it still goes on
  std::size_t worker = 0;
};

// Decides from samples whether one step lasts too long. Pure: time is passed in. A stall is found
// when a step has been seen for `threshold`, and is given once.
class StallDetector {
 public:
  explicit StallDetector(Duration threshold) noexcept : threshold_(threshold) {}
  std::optional<Stall> observe(Instant now, Activity::Sample sample) noexcept;

 private:
  Duration threshold_;
  Activity::Sample seen_;
  Instant since_{};
  bool reported_ = false;
};

// A thread that samples workers and reports those that stall, at latest after 1.25 thresholds and
// from that thread. The activities outlive it.
class Watchdog {
 public:
  using Report = std::function<void(const Stall&)>;

  Watchdog(std::vector<const Activity*> workers, Duration threshold, Report report);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  void watch();

  std::vector<const Activity*> workers_;
  Duration threshold_;
  Report report_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace sinew::async
