#include "sinew/async/scope.hpp"

#include <utility>

namespace sinew::async {

// A root coroutine that runs the child's task and, when it is over, has the scope delete the child
// and with it this very frame. A Ready of its own, so that spawn only schedules.
class Scope::Child : public ListHook<ScopeTag>, public Ready {
 public:
  Child(Scope& scope, Task<void> task, const char* name)
      : scope_(scope), context_(scope.context_), task_(std::move(task)) {
    if (name != nullptr) context_.name = name;
    root_ = run(*this).handle;
    root_.promise().child = this;
    root_.promise().attach(context_, std::noop_coroutine());
    handle_ = root_;
    name_ = context_.name;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { root_.destroy(); }

 private:
  struct Root {
    struct promise_type final : PromiseBase {
      struct Final {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> ended) const noexcept {
          Child& over = *ended.promise().child;
          over.scope_.ended(over, ended.promise().failure_);
        }
        void await_resume() const noexcept {}
      };
      Root get_return_object() noexcept {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      Final final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      Child* child = nullptr;
    };
    std::coroutine_handle<promise_type> handle;
  };

  static Root run(Child& child) { co_await child.task_; }

  Scope& scope_;
  TaskContext context_;
  Task<void> task_;
  std::coroutine_handle<Root::promise_type> root_;
};

Scope::Scope(Runtime& runtime, const char* name) {
  context_.runtime = &runtime;
  context_.cancel = &cancel_;
  context_.name = name;
}

Scope::Scope(TaskContext& parent) : cancel_(parent.cancel), context_(parent) {
  context_.cancel = &cancel_;
}

Scope::~Scope() {
  while (!children_.empty())
    delete &children_.pop_front();
}

void Scope::spawn(Task<void> task, const char* name) {
  auto* child = new Child(*this, std::move(task), name);
  children_.push_back(*child);
  ++size_;
  context_.runtime->schedule(*child);
}

void Scope::ended(Child& child, const std::exception_ptr& failure) noexcept {
  if (failure && !failure_) {
    try {
      std::rethrow_exception(failure);
    } catch (const Error& error) {
      if (error.condition() != Condition::cancelled || !cancelled()) failure_ = failure;
    } catch (...) {
      failure_ = failure;
    }
  }
  delete &child;
  --size_;
  if (size_ == 0 && joiner_ != nullptr) joiner_->complete();
}

class Scope::Joined : public Wait {
 public:
  explicit Joined(Scope& scope) noexcept : Wait(Shield::yes), scope_(scope) {}
  ~Joined() {
    if (scope_.joiner_ == this) scope_.joiner_ = nullptr;
  }
  bool await_ready() const noexcept { return scope_.size_ == 0; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) noexcept {
    suspend(handle);
    scope_.joiner_ = this;
  }
  void await_resume() const noexcept {}

 private:
  Scope& scope_;
};

Task<void> Scope::join() {
  while (size_ > 0)
    co_await Joined(*this);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace sinew::async
