#include "tests/conformance/broker_traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"

namespace sinew::conformance {
namespace {

using messaging::Confirm;
using messaging::Delivery;
using messaging::Settlement;

constexpr Duration lease = std::chrono::seconds(1);

std::string key_name(int publisher, int key) { return fmt::format("p{}-k{}", publisher, key); }

// True once in `n`.
bool once_in(async::Runtime& runtime, std::uint64_t n) { return runtime.random() % n == 0; }

}  // namespace

Traffic::Traffic(Options options) : options_(std::move(options)) {
  for (int publisher = 0; publisher < options_.publishers; ++publisher) {
    for (int key = 0; key < options_.keys; ++key)
      keys_[key_name(publisher, key)] = {};
  }
}

messaging::Message Traffic::message(async::Runtime& runtime, const std::string& key,
                                    int number) const {
  event::Envelope envelope;
  envelope.id = runtime.new_id();
  envelope.source = "/traffic";
  envelope.type = "traffic.message";
  envelope.subject = std::to_string(number);
  envelope.ordering_key = key;
  return {options_.destination, std::move(envelope)};
}

Task<void> Traffic::publish(async::Runtime& runtime, messaging::Broker& broker, int publisher) {
  for (bool more = true; more;) {
    std::vector<messaging::Message> batch;
    std::vector<std::pair<Key*, int>> sent;
    more = false;
    for (int i = 0; i < options_.keys; ++i) {
      const std::string name = key_name(publisher, i);
      Key& key = keys_.at(name);
      more = more || key.confirmed < options_.messages_per_key;
      const int count = static_cast<int>(runtime.random() % 4);
      const int last = std::min(key.confirmed + count, options_.messages_per_key);
      for (int number = key.confirmed + 1; number <= last; ++number) {
        batch.push_back(message(runtime, name, number));
        sent.emplace_back(&key, number);
        ++key.sent[number];
      }
    }
    const auto confirms = co_await broker.publish(std::move(batch));
    for (std::size_t i = 0; i < confirms.size(); ++i) {
      const auto [key, number] = sent[i];
      if (confirms[i] != Confirm::accepted) continue;
      if (key->confirmed != number - 1) violations_.push_back("accepted behind a refused one");
      key->confirmed = number;
    }
    co_await async::sleep_for(std::chrono::milliseconds(1 + runtime.random() % 50));
  }
}

Task<void> Traffic::consume(async::Runtime& runtime, messaging::Broker& broker) {
  while (!done()) {
    while (co_await consume_once(runtime, broker)) {
    }
    co_await async::sleep_for(std::chrono::milliseconds(1 + runtime.random() % 100));
  }
}

// One subscription's life; gives whether it was left without being closed.
Task<bool> Traffic::consume_once(async::Runtime& runtime, messaging::Broker& broker) {
  messaging::SubscribeOptions options;
  options.source = options_.destination;
  options.group = options_.group;
  options.prefetch = static_cast<std::int32_t>(1 + runtime.random() % 8);
  options.lease = lease;
  const auto subscription = co_await broker.subscribe(options);
  while (!done()) {
    std::vector<Delivery> deliveries;
    try {
      auto signals = co_await async::with_deadline(
          runtime.now() + std::chrono::milliseconds(runtime.random() % 500),
          subscription->receive(1 + runtime.random() % 8));
      for (auto& signal : signals) {
        if (auto* delivery = std::get_if<Delivery>(&signal)) deliveries.push_back(*delivery);
      }
    } catch (const Error& error) {
      if (error.condition() != Condition::timeout) throw;
    }
    for (const Delivery& delivery : deliveries)
      deliver(delivery);
    if (!co_await handle(runtime, *subscription, std::move(deliveries))) co_return true;
    if (!calm && once_in(runtime, 40)) break;
  }
  co_await subscription->close();
  co_return false;
}

// Gives false when the subscription is to be dropped as it is.
Task<bool> Traffic::handle(async::Runtime& runtime, messaging::Subscription& subscription,
                           std::vector<Delivery> deliveries) {
  if (!calm && once_in(runtime, 30)) co_return false;
  if (!calm && once_in(runtime, 20)) co_await async::sleep_for(lease + lease / 2);
  if (!calm && once_in(runtime, 10)) co_await subscription.renew();
  std::vector<messaging::Settle> settlements;
  std::vector<Delivery> accepted;
  for (Delivery& delivery : deliveries) {
    const bool returned = !calm && once_in(runtime, 10);
    settlements.push_back({delivery.tag, returned ? Settlement::returned : Settlement::accepted});
    if (!returned) accepted.push_back(std::move(delivery));
  }
  std::ranges::reverse(settlements);
  try {
    co_await subscription.settle(std::move(settlements));
    for (const Delivery& delivery : accepted)
      settled(delivery);
  } catch (const Error& error) {
    if (error.condition() != Condition::conflict) throw;
    // Some were fenced, the others are settled; which is not known.
    ++fenced_;
  }
  co_return true;
}

void Traffic::deliver(const Delivery& delivery) {
  const event::Envelope& envelope = delivery.message.envelope;
  Key& key = keys_.at(envelope.ordering_key);
  const int number = std::stoi(envelope.subject);
  if (number > key.seen + 1) {
    violations_.push_back(fmt::format("{} of {} was delivered first after {}", number,
                                      envelope.ordering_key, key.seen));
  }
  if (number <= key.seen) ++redelivered_;
  key.seen = std::max(key.seen, number);
}

void Traffic::settled(const Delivery& delivery) {
  const event::Envelope& envelope = delivery.message.envelope;
  // In topics a settlement is durable only without a gap before it.
  if (options_.destination.kind == messaging::DestinationKind::topic) return;
  Key& key = keys_.at(envelope.ordering_key);
  const int number = std::stoi(envelope.subject);
  if (!key.settled.insert(number).second && key.sent[number] == 1) {
    violations_.push_back(
        fmt::format("{} of {} was accepted twice: no fence", number, envelope.ordering_key));
  }
}

bool Traffic::published_all() const {
  return std::ranges::all_of(keys_, [this](const auto& item) {
    return item.second.confirmed >= options_.messages_per_key;
  });
}

bool Traffic::done() const {
  return published_all() && std::ranges::all_of(keys_, [](const auto& item) {
           return item.second.seen >= item.second.confirmed;
         });
}

}  // namespace sinew::conformance
