#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "sinew/async/task.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace sinew::async {

// A condition that tasks of one worker wait for: set() lets all through until reset().
class Event {
 public:
  bool is_set() const noexcept { return set_; }
  void set() noexcept {
    set_ = true;
    waiters_.notify_all();
  }
  void reset() noexcept { set_ = false; }
  // Returns when set; throws Error timeout or cancelled.
  Task<void> wait();

 private:
  WaitQueue waiters_;
  bool set_ = false;
};

// A bounded queue between tasks of one worker, first in, first out. `capacity` is in elements, at
// least 1. A sender waits for room, so the slower side sets the pace.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  bool try_send(T value) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    receivers_.notify_one();
    return true;
  }

  // Waits for room. Errors: cancelled when the channel is closed, timeout, cancelled.
  Task<void> send(T value) {
    while (!closed_ && items_.size() >= capacity_)
      check(co_await senders_.wait());
    if (closed_) throw Error(Condition::cancelled, "the channel is closed");
    items_.push_back(std::move(value));
    receivers_.notify_one();
  }

  // The next element, or nothing when the channel is closed and empty.
  Task<std::optional<T>> receive() {
    while (items_.empty() && !closed_)
      check(co_await receivers_.wait());
    if (items_.empty()) co_return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    senders_.notify_one();
    co_return value;
  }

  std::optional<T> try_receive() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    senders_.notify_one();
    return value;
  }

  // No more elements come in; those inside can still be received.
  void close() noexcept {
    closed_ = true;
    senders_.notify_all();
    receivers_.notify_all();
  }
  bool closed() const noexcept { return closed_; }
  std::size_t size() const noexcept { return items_.size(); }

 private:
  static void check(WaitOutcome outcome) {
    if (outcome == WaitOutcome::timed_out) {
      throw Error(Condition::timeout, "the deadline passed while waiting for a channel");
    }
    if (outcome == WaitOutcome::cancelled) {
      throw Error(Condition::cancelled, "cancelled while waiting for a channel");
    }
  }

  std::size_t capacity_;
  std::deque<T> items_;
  WaitQueue senders_;
  WaitQueue receivers_;
  bool closed_ = false;
};

}  // namespace sinew::async
