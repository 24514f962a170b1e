#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "sinew/async/wait.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::tests {

// A Broker before another one, which does what a test says at each call.
class FaultyBroker final : public messaging::Broker {
 public:
  using Messages = std::vector<messaging::Message>;
  using Confirms = std::vector<messaging::Confirm>;

  explicit FaultyBroker(messaging::Broker& inner) : inner_(inner) {}

  // Each may throw or wait. `before_publish` sees the messages, `after_publish` may change the
  // confirms.
  std::function<Task<void>(const Messages&)> before_publish;
  std::function<Task<void>(Confirms&)> after_publish;
  std::function<Task<void>()> before_settle;
  std::function<Task<void>()> before_subscribe;
  bool renews = true;  // false: leases are not renewed, and nobody notices

  messaging::Capabilities capabilities() const override { return inner_.capabilities(); }
  Task<void> declare(messaging::Topology topology) override {
    return inner_.declare(std::move(topology));
  }
  Task<Confirms> publish(Messages messages) override {
    if (before_publish) co_await before_publish(messages);
    Confirms confirms = co_await inner_.publish(std::move(messages));
    if (after_publish) co_await after_publish(confirms);
    co_return confirms;
  }
  Task<std::unique_ptr<messaging::Subscription>> subscribe(
      messaging::SubscribeOptions options) override {
    if (before_subscribe) co_await before_subscribe();
    co_return std::make_unique<Subscribed>(*this, co_await inner_.subscribe(std::move(options)));
  }
  Task<std::vector<messaging::TopicStatus>> topics() override { return inner_.topics(); }
  Task<messaging::GroupStatus> lag(std::string topic, std::string group) override {
    return inner_.lag(std::move(topic), std::move(group));
  }
  Task<std::vector<messaging::Moved>> reset(messaging::GroupReset reset) override {
    return inner_.reset(std::move(reset));
  }

 private:
  class Subscribed final : public messaging::Subscription {
   public:
    Subscribed(FaultyBroker& broker, std::unique_ptr<messaging::Subscription> inner)
        : broker_(broker), inner_(std::move(inner)) {}
    Task<std::vector<messaging::Signal>> receive(std::size_t limit) override {
      return inner_->receive(limit);
    }
    Task<void> settle(std::vector<messaging::Settle> settlements) override {
      if (broker_.before_settle) co_await broker_.before_settle();
      co_await inner_->settle(std::move(settlements));
    }
    Task<void> renew() override {
      if (broker_.renews) co_await inner_->renew();
    }
    Task<void> close() override { return inner_->close(); }

   private:
    FaultyBroker& broker_;
    std::unique_ptr<messaging::Subscription> inner_;
  };

  messaging::Broker& inner_;
};

}  // namespace sinew::tests
