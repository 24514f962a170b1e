#include "sinew/messaging/request_reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace sinew::messaging {
namespace {

constexpr Duration shortest_backoff = std::chrono::milliseconds(100);
constexpr Duration longest_backoff = std::chrono::seconds(10);
constexpr Duration longest_close = std::chrono::seconds(2);

}  // namespace

// A request that waits: known to the requester as long as it lives.
class Requester::Pending {
 public:
  Pending(Requester& requester, Uuid id) : requester_(requester), id_(id) {
    if (!requester_.pending_.emplace(id, this).second) {
      throw Error(Condition::invalid_input,
                  fmt::format("the request {} waits for its reply already", to_string(id)));
    }
    requester_.status_.pending = requester_.pending_.size();
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    requester_.pending_.erase(id_);
    requester_.status_.pending = requester_.pending_.size();
  }

  void answer(event::Envelope reply) {
    reply_ = std::move(reply);
    answered_.set();
  }
  bool answered() const noexcept { return reply_.has_value(); }
  Task<void> wait() { return answered_.wait(); }
  event::Envelope take() { return std::move(*reply_); }

 private:
  Requester& requester_;
  Uuid id_;
  std::optional<event::Envelope> reply_;
  async::Event answered_;
};

Requester::Requester(async::Runtime& runtime, Broker& broker, RequesterSettings settings)
    : runtime_(runtime), broker_(broker), settings_(std::move(settings)) {}

Task<event::Envelope> Requester::request(Destination to, event::Envelope request,
                                         Duration timeout) {
  if (pending_.size() >= settings_.max_pending) {
    throw Error(Condition::exhausted,
                fmt::format("{} requests wait for their replies, the limit: ask again later",
                            pending_.size()));
  }
  if (request.id.is_nil()) request.id = runtime_.new_id();
  request.source = settings_.source;
  request.time = runtime_.wall_now();
  request.reply_to = settings_.replies;
  if (timeout > Duration::zero()) {
    event::expire_after(request, request.time, std::min(timeout, event::max_delay));
  }
  if (request.lineage.correlation_id.is_nil()) request.lineage.correlation_id = request.id;
  event::validate(request);
  const std::string type = request.type;
  Pending pending(*this, request.id);
  const Instant deadline = runtime_.now() + timeout;
  bool timed_out = false;
  try {
    co_await async::with_deadline(deadline, send(std::move(to), std::move(request)));
    co_await async::with_deadline(deadline, pending.wait());
  } catch (const Error& error) {
    timed_out = error.condition() == Condition::timeout;
    if (!timed_out && !pending.answered()) throw;
  }
  // A reply that came at the last moment, or before its request was confirmed, is one.
  if (pending.answered()) co_return pending.take();
  throw Error(Condition::timeout,
              fmt::format("no reply to {} in time; whether it was carried out is unknown", type),
              Applied::unknown);
}

Task<void> Requester::send(Destination to, event::Envelope request) {
  const std::string queue = to.name;
  std::vector<Message> messages;
  messages.push_back({std::move(to), std::move(request)});
  const std::vector<Confirm> confirms = co_await broker_.publish(std::move(messages));
  switch (confirms.at(0)) {
    case Confirm::accepted:
    case Confirm::unknown: co_return;  // the reply tells, or the timeout
    case Confirm::unroutable:
      throw Error(Condition::not_found, fmt::format("there is no queue {} to ask", queue));
    case Confirm::rejected:
      throw Error(Condition::exhausted, fmt::format("the queue {} takes no requests now", queue));
  }
}

Task<void> Requester::run() {
  async::TaskContext& context = co_await async::this_context();
  const auto cancelled = [&] { return context.cancel != nullptr && context.cancel->cancelled(); };
  Duration backoff = shortest_backoff;
  while (!cancelled()) {
    try {
      co_await take_replies();
      backoff = shortest_backoff;
    } catch (const Error& error) {
      if (cancelled()) break;
      status_.last_error = error.detail();
    }
    co_await close_subscription();
    co_await async::sleep_for(backoff);
    backoff = std::min(backoff * 2, longest_backoff);
  }
  co_await close_subscription();
}

// Until the broker closes the subscription.
Task<void> Requester::take_replies() {
  Topology topology;
  QueueSpec replies;
  replies.name = settings_.replies;
  replies.ordered = false;
  replies.life = QueueLife::exclusive;
  topology.queues.push_back(std::move(replies));
  co_await broker_.declare(std::move(topology));
  SubscribeOptions options;
  options.source = {DestinationKind::queue, settings_.replies};
  options.prefetch = settings_.prefetch;
  subscription_ = co_await broker_.subscribe(std::move(options));
  status_.last_error.clear();
  for (;;) {
    auto signals = co_await subscription_->receive(static_cast<std::size_t>(settings_.prefetch));
    if (signals.empty()) co_return;
    std::vector<Settle> settlements;
    for (auto& signal : signals) {
      auto* delivery = std::get_if<Delivery>(&signal);
      if (delivery == nullptr) continue;
      settlements.push_back({delivery->tag, Settlement::accepted});
      take(std::move(*delivery));
    }
    co_await subscription_->settle(std::move(settlements));
  }
}

void Requester::take(Delivery delivery) {
  event::Envelope& reply = delivery.message.envelope;
  const auto found = pending_.find(reply.lineage.causation_id);
  if (found == pending_.end() || found->second->answered()) {
    ++status_.unknown;
    return;
  }
  ++status_.answered;
  found->second->answer(std::move(reply));
}

// Also while its task is cancelled.
Task<void> Requester::close_subscription() {
  if (!subscription_) co_return;
  async::TaskContext context = co_await async::this_context();
  context.cancel = nullptr;
  context.deadline = std::min(context.deadline, runtime_.now() + longest_close);
  try {
    Task<void> close = subscription_->close();
    co_await close.under(context);
  } catch (const Error&) {
    // Its leases expire.
  }
  subscription_.reset();
}

}  // namespace sinew::messaging
