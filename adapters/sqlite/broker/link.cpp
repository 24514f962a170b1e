#include "adapters/sqlite/broker/link.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "adapters/sqlite/broker/source.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite::broker {

Link::Link(async::Runtime& home_worker, async::Runtime& away_worker, LinkHome& home,
           std::shared_ptr<Source> source, MemberId member)
    : home_worker_(home_worker),
      away_worker_(away_worker),
      source_(std::move(source)),
      member_(member),
      home_(&home) {}

Task<std::vector<messaging::Signal>> Link::receive(std::size_t limit) {
  if (limit == 0) throw Error(Condition::invalid_input, "receive() takes a limit from 1");
  while (arrived_.empty()) {
    if (ended_) co_return std::vector<messaging::Signal>{};
    if (lost_) throw Error(Condition::unavailable, "the embedded broker was closed");
    if (!demanded_) {
      demand(limit);
      continue;
    }
    const async::WaitOutcome outcome = co_await waiting_.wait();
    if (outcome == async::WaitOutcome::timed_out) {
      throw Error(Condition::timeout, "the deadline passed before anything was delivered");
    }
    if (outcome == async::WaitOutcome::cancelled) {
      throw Error(Condition::cancelled, "cancelled while waiting for deliveries");
    }
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, arrived_.size()));
  std::vector<messaging::Signal> signals(
      std::make_move_iterator(arrived_.begin()),
      std::make_move_iterator(std::next(arrived_.begin(), count)));
  arrived_.erase(arrived_.begin(), std::next(arrived_.begin(), count));
  co_return signals;
}

void Link::demand(std::size_t limit) {
  limit_ = limit;
  demanded_ = true;
  if (one_worker()) return on_demand();
  if (!home_worker_.submit(demand_message_)) {
    demanded_ = false;
    throw Error(Condition::exhausted, "the broker's mailbox is full; try again later");
  }
}

void Link::on_demand() noexcept {
  if (detached_) return on_confirmed();
  pending_ = true;
  if (home_ == nullptr || broken_) return break_off();
  home_->demanded(*this, limit_);
}

void Link::answer(std::vector<messaging::Signal> signals) noexcept {
  pending_ = false;
  answer_ = std::move(signals);
  if (one_worker()) return on_answer();
  away_worker_.complete(answer_message_);
}

void Link::break_off() noexcept {
  broken_ = true;
  if (!pending_) return;
  answer_lost_ = true;
  answer({});
}

void Link::on_answer() noexcept {
  demanded_ = false;
  if (dropped_) return home_worker_.complete(confirmed_message_);
  lost_ = answer_lost_;
  if (!ended_) std::ranges::move(answer_, std::back_inserter(arrived_));
  answer_.clear();
  waiting_.notify_all();
}

void Link::end() noexcept {
  ended_ = true;
  arrived_.clear();
  waiting_.notify_all();
}

void Link::detach() noexcept {
  dropped_ = true;
  in_flight_ = demanded_;
  arrived_.clear();
  if (one_worker()) return on_detach();
  home_worker_.complete(detach_message_);
}

void Link::on_detach() noexcept {
  detached_ = true;
  if (home_ == nullptr) return;
  const bool under_way = in_flight_ && !pending_;
  pending_ = false;
  home_->detached(*this);
  // Otherwise the demand has still to come in, or the answer to be seen.
  if (!under_way) home_->parted(*this);
}

void Link::on_confirmed() noexcept {
  if (home_ != nullptr) home_->parted(*this);
}

}  // namespace sinew::sqlite::broker
