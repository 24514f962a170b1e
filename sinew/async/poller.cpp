#include "sinew/async/poller.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>

#include "sinew/async/socket_error.hpp"

namespace sinew::async {
namespace {

std::uint32_t mask_of(Subscription what) noexcept {
  std::uint32_t mask = 0;
  if (what.readable) mask |= EPOLLIN | EPOLLRDHUP;
  if (what.writable) mask |= EPOLLOUT;
  if (what.trigger == Trigger::edge) mask |= EPOLLET;
  if (what.trigger == Trigger::once) mask |= EPOLLONESHOT;
  return mask;
}

PollEvents events_of(std::uint32_t events) noexcept {
  return {.readable = (events & EPOLLIN) != 0,
          .writable = (events & EPOLLOUT) != 0,
          .peer_finished = (events & EPOLLRDHUP) != 0,
          .failed = (events & (EPOLLERR | EPOLLHUP)) != 0};
}

}  // namespace

// The eventfd is edge-triggered and never read: each write is an edge of its own.
Poller::Poller()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !wakeup_) throw socket_error("cannot start an event loop", errno);
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) != 0) {
    throw socket_error("cannot start an event loop", errno);
  }
}

std::error_code Poller::control(int operation, int descriptor, Subscription what,
                                PollTarget& target) noexcept {
  epoll_event event{.events = mask_of(what), .data = {.ptr = &target}};
  if (::epoll_ctl(epoll_.get(), operation, descriptor, &event) == 0) return {};
  return {errno, std::generic_category()};
}

std::error_code Poller::add(int descriptor, Subscription what, PollTarget& target) noexcept {
  return control(EPOLL_CTL_ADD, descriptor, what, target);
}

std::error_code Poller::modify(int descriptor, Subscription what, PollTarget& target) noexcept {
  return control(EPOLL_CTL_MOD, descriptor, what, target);
}

void Poller::remove(int descriptor) noexcept {
  epoll_event unused{};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, &unused);
}

void Poller::again(PollTarget& target, PollEvents events) noexcept {
  target.again_.readable |= events.readable;
  target.again_.writable |= events.writable;
  again_.push_back(target);
}

void Poller::tell_again() noexcept {
  IntrusiveList<PollTarget, AgainTag> targets;
  targets.splice_back(again_);
  while (!targets.empty()) {
    PollTarget& target = targets.pop_front();
    target.on_ready(std::exchange(target.again_, {}));
  }
}

void Poller::wait(int timeout_ms) noexcept {
  std::array<epoll_event, events_per_wait> events;
  const int ready =
      ::epoll_wait(epoll_.get(), events.data(), events_per_wait, again_.empty() ? timeout_ms : 0);
  asleep_.store(false, std::memory_order_relaxed);
  ++turn_;
  for (int i = 0; i < ready; ++i) {
    auto* target = static_cast<PollTarget*>(events[i].data.ptr);
    if (target != nullptr) target->on_ready(events_of(events[i].events));
  }
  tell_again();
}

void Poller::wake() noexcept {
  if (!asleep_.load() || !asleep_.exchange(false)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
}

}  // namespace sinew::async
