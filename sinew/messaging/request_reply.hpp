#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "sinew/async/channel.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/messaging/reply.hpp"

namespace sinew::messaging {

struct RequesterSettings {
  std::string source;              // CloudEvents source of its requests, such as /web
  std::string replies;             // an exclusive queue: two requesters cannot have the same
  std::size_t max_pending = 1000;  // requests that wait for their reply, from 1
  std::int32_t prefetch = 64;      // replies taken at once; 1 to 1000
};

struct RequesterStatus {
  std::uint64_t answered = 0;
  std::uint64_t unknown = 0;  // replies that nobody waits for: too late, twice, or never asked for
  std::size_t pending = 0;
  std::string last_error;  // of the subscription; empty when it works
};

// Request and reply over queues, for questions whose asker waits and has nothing to lose: nothing
// is written down, so a request that fails or times out may have been carried out or not. What must
// happen goes through the outbox (a saga) instead. A participant answers both alike, with
// make_reply(): a reply names its request as its cause. A request expires at its timeout: one that
// lay too long is never answered.
//
// Lives on one worker. run() must be running for replies to arrive.
class Requester final {
 public:
  Requester(async::Runtime& runtime, Broker& broker, RequesterSettings settings);
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;

  // Declares the queue of replies and takes them until its scope is cancelled. A subscription that
  // breaks is opened again, with backoff.
  Task<void> run();

  // Sends `request` and waits for its reply; sets its id where it has none, source, time, expiry,
  // reply_to and correlation. Errors: timeout (applied unknown), exhausted (max_pending requests
  // wait, or the queue is full), not_found (no such queue), invalid_input (the envelope, or an id
  // that waits already), unavailable (the broker is away), cancelled.
  Task<event::Envelope> request(Destination to, event::Envelope request, Duration timeout);

  // The same for a command and its answer. `key` keeps it in order with others of the key.
  template <event::TypedCommand C>
  Task<Answer<typename C::Reply>> ask(Destination to, C command, std::string key,
                                      Duration timeout) {
    event::Envelope envelope;
    envelope.ordering_key = std::move(key);
    const event::Envelope reply =
        co_await request(std::move(to), event::seal(command, std::move(envelope)), timeout);
    co_return to_answer<typename C::Reply>(read_reply(reply));
  }

  const RequesterStatus& status() const noexcept { return status_; }

 private:
  class Pending;

  Task<void> take_replies();
  void take(Delivery delivery);
  Task<void> close_subscription();
  Task<void> send(Destination to, event::Envelope request);

  async::Runtime& runtime_;
  Broker& broker_;
  RequesterSettings settings_;
  std::map<Uuid, Pending*> pending_;  // in the frames of request(), by the request's id
  std::unique_ptr<Subscription> subscription_;
  RequesterStatus status_;
};

}  // namespace sinew::messaging
