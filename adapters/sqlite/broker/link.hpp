#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "adapters/sqlite/broker/member.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::sqlite::broker {

class Link;
class Source;

// The broker's end of its links, on the broker's worker.
class LinkHome {
 public:
  virtual void demanded(Link& link, std::size_t limit) noexcept = 0;
  // The subscription was dropped.
  virtual void detached(Link& link) noexcept = 0;
  // Nothing is under way to or from the other side any more: the link may go.
  virtual void parted(Link& link) noexcept = 0;

 protected:
  ~LinkHome() = default;
};

// Carries deliveries from the broker's worker to a subscription on a context's. The subscription
// demands, at most once at a time; the broker answers when it has something, maybe much later.
// So waiting happens on the context's worker, where deadline and cancellation hold, and what
// arrives for a receive() that gave up lies in `arrived_` for the next.
//
// Shared by both ends. Between two workers everything goes by completions inside the link; the
// broker keeps it until none of them is under way. On one worker they are plain calls.
class Link final {
 public:
  Link(async::Runtime& home_worker, async::Runtime& away_worker, LinkHome& home,
       std::shared_ptr<Source> source, MemberId member);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // --- On the context's worker.
  Task<std::vector<messaging::Signal>> receive(std::size_t limit);
  // receive() gives what a closed subscription gives, from now on.
  void end() noexcept;
  // The last call: the subscription is gone.
  void detach() noexcept;

  // --- On the broker's worker.
  Source& source() const noexcept { return *source_; }
  MemberId member() const noexcept { return member_; }
  bool demanding() const noexcept { return pending_; }
  void answer(std::vector<messaging::Signal> signals) noexcept;
  // The broker closes: receive() fails from now on.
  void break_off() noexcept;
  // The broker is gone with its runtime: nothing will be sent to it any more.
  void orphan() noexcept { home_ = nullptr; }

 private:
  template <void (Link::*handler)() noexcept>
  struct Message final : async::Completion {
    explicit Message(Link& owner) noexcept : link(owner) {}
    void run() noexcept override { (link.*handler)(); }
    Link& link;
  };

  bool one_worker() const noexcept { return &home_worker_ == &away_worker_; }
  void demand(std::size_t limit);
  void on_demand() noexcept;     // home
  void on_answer() noexcept;     // away
  void on_detach() noexcept;     // home
  void on_confirmed() noexcept;  // home

  async::Runtime& home_worker_;
  async::Runtime& away_worker_;
  std::shared_ptr<Source> source_;
  MemberId member_;

  // Home's.
  LinkHome* home_;
  bool pending_ = false;  // a demand waits for its answer
  bool detached_ = false;
  bool broken_ = false;

  // The context's.
  std::deque<messaging::Signal> arrived_;
  async::WaitQueue waiting_;
  bool demanded_ = false;
  bool ended_ = false;
  bool lost_ = false;  // the broker broke off
  bool dropped_ = false;

  // Handed over with a completion.
  std::size_t limit_ = 0;                  // with demand
  bool in_flight_ = false;                 // with detach: demanded, not yet answered
  std::vector<messaging::Signal> answer_;  // with answer
  bool answer_lost_ = false;               // with answer

  Message<&Link::on_demand> demand_message_{*this};
  Message<&Link::on_answer> answer_message_{*this};
  Message<&Link::on_detach> detach_message_{*this};
  Message<&Link::on_confirmed> confirmed_message_{*this};
};

}  // namespace sinew::sqlite::broker
