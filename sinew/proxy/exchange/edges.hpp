#pragma once

#include <cstdint>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::proxy {

// Waits for any edge of several streams at once: an exchange looks at its client and its upstream
// after each, does what can be done, and waits again. So one coroutine moves both directions, and
// none waits for the other.
//
//   edges.watch(client); edges.watch(upstream);
//   while (moved()) ...
//   if (co_await edges.wait(deadline) == Edges::Woken::late) ...
//
// Edges between clear() and wait() are not lost. Streams are forgotten before they end.
class Edges final : public async::StreamObserver {
 public:
  enum class Woken : std::uint8_t { edge, late, cancelled };

  Edges() = default;
  Edges(const Edges&) = delete;
  Edges& operator=(const Edges&) = delete;

  void watch(async::Stream& stream) noexcept { stream.observe(this); }
  static void forget(async::Stream& stream) noexcept { stream.observe(nullptr); }
  void clear() noexcept { seen_ = false; }
  // As if there had been an edge.
  void poke() noexcept { on_edge(); }

  class [[nodiscard]] Awaiter : public async::Wait {
   public:
    Awaiter(Edges& edges, Instant deadline) noexcept : edges_(edges), deadline_(deadline) {}
    bool await_ready() const noexcept { return edges_.seen_; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) noexcept {
      suspend(handle);
      if (!waiting()) return;
      edges_.waiter_ = this;
      if (deadline_ == Instant::max()) return;
      async::Runtime& runtime = *handle.promise().context().runtime;
      if (deadline_ <= runtime.now()) {
        alarm_.fire();
      } else {
        runtime.arm(alarm_, deadline_);
      }
    }
    Woken await_resume() noexcept {
      edges_.waiter_ = nullptr;
      if (edges_.seen_) return Woken::edge;
      return outcome() == async::WaitOutcome::cancelled ? Woken::cancelled : Woken::late;
    }
    ~Awaiter() {
      if (edges_.waiter_ == this) edges_.waiter_ = nullptr;
    }

   private:
    struct Alarm final : async::Timer {
      explicit Alarm(Wait& target) noexcept : wait(target) {}
      void fire() noexcept override { wait.complete(); }
      Wait& wait;
    };
    Edges& edges_;
    Instant deadline_;
    Alarm alarm_{*this};
  };
  Awaiter wait(Instant deadline) noexcept { return {*this, deadline}; }

 private:
  void on_readable() noexcept override { on_edge(); }
  void on_writable() noexcept override { on_edge(); }
  void on_edge() noexcept {
    seen_ = true;
    if (waiter_ != nullptr) waiter_->complete();
  }

  bool seen_ = false;
  Awaiter* waiter_ = nullptr;
};

}  // namespace sinew::proxy
