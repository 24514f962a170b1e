#include "tests/conformance/broker_engine.hpp"

#include <variant>

#include "sinew/async/wait.hpp"

namespace sinew::conformance {

using messaging::Confirm;
using messaging::Delivery;
using messaging::Message;

void BrokerConformance::use_seed(std::uint64_t seed) {
  bench_.reset();
  bench_ = GetParam().make(seed);
}

std::string BrokerConformance::fresh(const std::string& name) {
  return name + "." + to_string(runtime().new_id());
}

event::Envelope BrokerConformance::envelope(std::string key, std::string subject) {
  event::Envelope made;
  made.id = runtime().new_id();
  made.source = "/conformance";
  made.type = "conformance.message";
  made.time = runtime().wall_now();
  made.subject = std::move(subject);
  made.ordering_key = std::move(key);
  made.data = SharedBytes(R"({"n":1})");
  return made;
}

Message BrokerConformance::to(messaging::Destination destination, std::string key,
                              std::string subject) {
  return {std::move(destination), envelope(std::move(key), std::move(subject))};
}

Task<void> BrokerConformance::publish(std::vector<Message> messages) {
  const Confirms expected(messages.size(), Confirm::accepted);
  EXPECT_EQ(co_await broker().publish(std::move(messages)), expected);
}

Task<BrokerConformance::Subscription> BrokerConformance::subscribe(
    messaging::SubscribeOptions options) {
  co_return co_await broker().subscribe(std::move(options));
}

Task<BrokerConformance::Deliveries> BrokerConformance::receive(
    messaging::Subscription& subscription, std::size_t count, Duration patience) {
  Deliveries deliveries;
  while (deliveries.size() < count) {
    std::vector<messaging::Signal> signals;
    try {
      signals = co_await async::with_deadline(runtime().now() + patience,
                                              subscription.receive(count - deliveries.size()));
    } catch (const Error& error) {
      if (error.condition() != Condition::timeout) throw;
    }
    if (signals.empty()) break;
    for (auto& signal : signals) {
      if (auto* delivery = std::get_if<Delivery>(&signal)) {
        deliveries.push_back(std::move(*delivery));
      }
    }
  }
  co_return deliveries;
}

Task<void> BrokerConformance::accept(messaging::Subscription& subscription,
                                     const Deliveries& deliveries) {
  std::vector<messaging::Settle> settlements;
  for (const Delivery& delivery : deliveries)
    settlements.push_back({delivery.tag, messaging::Settlement::accepted});
  co_await subscription.settle(std::move(settlements));
}

Task<void> BrokerConformance::expect_fenced(messaging::Subscription& subscription,
                                            const Deliveries& late) {
  Condition condition{};
  try {
    co_await accept(subscription, late);
  } catch (const Error& error) {
    condition = error.condition();
  }
  EXPECT_EQ(condition, Condition::conflict);
}

std::vector<std::string> subjects(const std::vector<Delivery>& deliveries) {
  std::vector<std::string> all;
  for (const Delivery& delivery : deliveries)
    all.push_back(delivery.message.envelope.subject);
  return all;
}

}  // namespace sinew::conformance
