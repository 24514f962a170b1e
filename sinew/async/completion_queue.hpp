#pragma once

#include <atomic>
#include <cstddef>

#include "sinew/async/runtime.hpp"

namespace sinew::async {

// Completions from any thread to one: intrusive and lock-free, a push is one exchange.
class CompletionQueue {
 public:
  void push(Completion& completion) noexcept {
    Completion* head = head_.load(std::memory_order_relaxed);
    do {
      completion.next_ = head;
    } while (!head_.compare_exchange_weak(head, &completion));
  }

  bool empty() const noexcept { return head_.load() == nullptr; }

  // Runs all that is inside, in the order in which it was pushed; gives how many. Consumer only.
  std::size_t run_all() noexcept {
    Completion* oldest = nullptr;
    for (Completion* newest = head_.exchange(nullptr); newest != nullptr;) {
      Completion* next = newest->next_;
      newest->next_ = oldest;
      oldest = newest;
      newest = next;
    }
    std::size_t count = 0;
    while (oldest != nullptr) {
      Completion& completion = *oldest;
      oldest = completion.next_;
      completion.run();  // may destroy it or push it again
      ++count;
    }
    return count;
  }

 private:
  std::atomic<Completion*> head_ = nullptr;
};

}  // namespace sinew::async
