#include "adapters/sqlite/embedded_broker.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite/broker/home.hpp"
#include "sinew/async/offload.hpp"
#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite {

using broker::Home;
using broker::Link;

// How ports find the broker; `home` is used on its worker only.
struct EmbeddedBroker::Reference {
  explicit Reference(async::Runtime& worker) : runtime(worker) {}

  // Runs `function(Home&)`, which makes a task, on the broker's worker. The reference outlives it.
  template <class F>
  auto ask(F function) {
    return async::call_on(runtime, [this, function = std::move(function)]() mutable {
      if (!home) throw Error(Condition::unavailable, "the embedded broker was closed");
      return function(*home);
    });
  }

  async::Runtime& runtime;
  std::unique_ptr<Home> home;
};

namespace {

// Settlements of one call; a consumer has no more in work.
constexpr std::size_t max_settlements = 1000;

void check(const BrokerSettings& settings) {
  const BrokerLimits& limits = settings.limits;
  std::vector<std::string_view> problems;
  if (limits.queue_messages == 0 || limits.queue_bytes == 0 || limits.key_messages == 0 ||
      limits.topic_open == 0) {
    problems.emplace_back("a limit of the embedded broker is 0: from 1");
  }
  if (settings.retention_interval < std::chrono::milliseconds(100) ||
      settings.retention_interval > std::chrono::hours(1)) {
    problems.emplace_back(
        "the embedded broker's retention_interval is out of range: 100 ms to 1 h");
  }
  if (problems.empty()) return;
  throw Error(Condition::invalid_input, fmt::format("{}", fmt::join(problems, "; ")));
}

}  // namespace

class EmbeddedBroker::Port final : public messaging::Broker {
 public:
  Port(std::shared_ptr<Reference> reference, async::Runtime& runtime)
      : reference_(std::move(reference)), runtime_(runtime) {}

  messaging::Capabilities capabilities() const override { return {}; }

  Task<void> declare(messaging::Topology topology) override {
    co_await reference_->ask([topology = std::move(topology)](Home& home) mutable {
      return home.declare(std::move(topology));
    });
  }

  Task<std::vector<messaging::Confirm>> publish(std::vector<messaging::Message> messages) override {
    if (messages.size() > max_publish) {
      throw Error(Condition::invalid_input, "publish() takes 1000 messages at most");
    }
    auto confirms = co_await reference_->ask([messages = std::move(messages)](Home& home) mutable {
      return home.publish(std::move(messages));
    });
    SINEW_CRASH_POINT("broker.after_confirm");
    co_return confirms;
  }

  Task<std::unique_ptr<messaging::Subscription>> subscribe(
      messaging::SubscribeOptions options) override;

  Task<std::vector<messaging::TopicStatus>> topics() override {
    co_return co_await reference_->ask([](Home& home) { return home.topics(); });
  }

  Task<messaging::GroupStatus> lag(std::string topic, std::string group) override {
    co_return co_await reference_->ask(
        [topic = std::move(topic), group = std::move(group)](Home& home) mutable {
          return home.lag(std::move(topic), std::move(group));
        });
  }

  Task<std::vector<messaging::Moved>> reset(messaging::GroupReset reset) override {
    co_return co_await reference_->ask(
        [reset = std::move(reset)](Home& home) mutable { return home.reset(std::move(reset)); });
  }

 private:
  class Subscribed;

  std::shared_ptr<Reference> reference_;
  async::Runtime& runtime_;
};

class EmbeddedBroker::Port::Subscribed final : public messaging::Subscription {
 public:
  Subscribed(std::shared_ptr<Reference> reference, std::shared_ptr<Link> link)
      : reference_(std::move(reference)), link_(std::move(link)) {}
  ~Subscribed() override { link_->detach(); }

  Task<std::vector<messaging::Signal>> receive(std::size_t limit) override {
    return link_->receive(limit);
  }

  Task<void> settle(std::vector<messaging::Settle> settlements) override {
    if (settlements.empty()) co_return;
    if (settlements.size() > max_settlements) {
      throw Error(Condition::invalid_input, "settle() takes 1000 settlements at most");
    }
    co_await reference_->ask(
        [link = link_, settlements = std::move(settlements)](Home& home) mutable {
          return home.settle(std::move(link), std::move(settlements));
        });
  }

  Task<void> renew() override {
    co_await reference_->ask([link = link_](Home& home) { return home.renew(link); });
  }

  Task<void> close() override {
    if (std::exchange(closed_, true)) co_return;
    link_->end();
    co_await reference_->ask([link = link_](Home& home) { return home.leave(link); });
  }

 private:
  std::shared_ptr<Reference> reference_;
  std::shared_ptr<Link> link_;
  bool closed_ = false;
};

Task<std::unique_ptr<messaging::Subscription>> EmbeddedBroker::Port::subscribe(
    messaging::SubscribeOptions options) {
  auto link = co_await reference_->ask([options = std::move(options), this](Home& home) mutable {
    return home.subscribe(std::move(options), runtime_);
  });
  co_return std::make_unique<Subscribed>(reference_, std::move(link));
}

Task<std::unique_ptr<EmbeddedBroker>> EmbeddedBroker::open(async::Runtime& runtime,
                                                           BrokerSettings settings) {
  check(settings);
  auto database = co_await Database::open(runtime, std::move(settings.database));
  auto reference = std::make_shared<Reference>(runtime);
  reference->home = std::make_unique<Home>(runtime, std::move(database), settings.limits,
                                           settings.retention_interval);
  std::exception_ptr failure;
  try {
    co_await reference->home->start();
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return std::unique_ptr<EmbeddedBroker>(new EmbeddedBroker(reference));
  co_await reference->home->close();
  std::rethrow_exception(failure);
}

EmbeddedBroker::EmbeddedBroker(std::shared_ptr<Reference> reference)
    : reference_(std::move(reference)) {}

EmbeddedBroker::~EmbeddedBroker() { reference_->home.reset(); }

std::unique_ptr<messaging::Broker> EmbeddedBroker::connect(async::Runtime& runtime) {
  return std::make_unique<Port>(reference_, runtime);
}

BrokerStatistics EmbeddedBroker::statistics() const { return reference_->home->statistics(); }

Task<std::vector<messaging::QueueStatus>> EmbeddedBroker::queues() {
  return reference_->home->queues();
}
Task<std::vector<event::Envelope>> EmbeddedBroker::look(std::string queue, std::size_t limit) {
  if (limit < 1 || limit > 1000) {
    throw Error(Condition::invalid_input, "look() takes a limit from 1 to 1000");
  }
  return reference_->home->look(std::move(queue), limit);
}
Task<std::int64_t> EmbeddedBroker::purge(std::string queue, bool dry_run) {
  return reference_->home->purge(std::move(queue), dry_run);
}
Task<std::int64_t> EmbeddedBroker::redrive(std::string queue, bool dry_run) {
  return reference_->home->redrive(std::move(queue), dry_run);
}

Task<void> EmbeddedBroker::close() { co_await reference_->home->close(); }

}  // namespace sinew::sqlite
