#pragma once

#include <exception>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/async/wait.hpp"

namespace sinew::async {

struct ScopeTag;

// Owns the tasks spawned in it. A scope is joined before it ends; one that is destroyed with
// children still suspended destroys their frames (what a crash in simulation does). Lives on one
// worker. Children run under the scope's own context: its runtime, cancellation and name.
class Scope {
 public:
  // A scope of its own, for those who run a runtime.
  explicit Scope(Runtime& runtime, const char* name = "task");
  // A scope under a running task: inherits deadline, trace and cancellation.
  explicit Scope(TaskContext& parent);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  // Starts `task` in a later step of the loop. What it throws is kept for join(), the first only;
  // Error cancelled after cancel() counts as a normal end. `name` has static storage.
  void spawn(Task<void> task, const char* name = nullptr);

  void cancel() noexcept { cancel_.cancel(); }
  bool cancelled() const noexcept { return cancel_.cancelled(); }
  std::size_t size() const noexcept { return size_; }
  TaskContext& context() noexcept { return context_; }

  // Waits for every child, also when the awaiting task is itself cancelled: its cancellation
  // reaches the children. Then rethrows the first failure.
  Task<void> join();

 private:
  class Child;
  class Joined;
  void ended(Child& child, const std::exception_ptr& failure) noexcept;

  CancelSource cancel_;
  TaskContext context_;
  IntrusiveList<Child, ScopeTag> children_;
  std::size_t size_ = 0;
  std::exception_ptr failure_;
  Wait* joiner_ = nullptr;
};

}  // namespace sinew::async
