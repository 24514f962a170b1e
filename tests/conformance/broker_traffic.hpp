#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::conformance {

// Random traffic through one queue or topic, and what must hold of it: whatever publishers and
// consumers suffer, nothing accepted is lost, first deliveries of a key come in order, and nothing
// is settled twice. It outlives the processes whose tasks work with it.
class Traffic {
 public:
  struct Options {
    messaging::Destination destination;
    std::string group;  // topics
    int publishers = 2;
    int keys = 5;  // a publisher
    int messages_per_key = 20;
  };

  explicit Traffic(Options options);

  // Publishes the keys of one publisher up to the last message, from the first that is not
  // confirmed.
  Task<void> publish(async::Runtime& runtime, messaging::Broker& broker, int publisher);
  // Consumes until everything was handled: settles, returns, holds too long, leaves and comes back,
  // as the runtime's chance wants; orderly once `calm`.
  Task<void> consume(async::Runtime& runtime, messaging::Broker& broker);

  bool published_all() const;
  // Everything that was accepted was delivered and settled.
  bool done() const;
  bool calm = false;

  std::uint64_t redelivered() const noexcept { return redelivered_; }
  std::uint64_t fenced() const noexcept { return fenced_; }
  const std::vector<std::string>& violations() const noexcept { return violations_; }

 private:
  struct Key {
    int confirmed = 0;        // messages 1 to this were accepted
    int seen = 0;             // 1 to this were delivered
    std::map<int, int> sent;  // by message: times published
    std::set<int> settled;    // durably
  };

  Task<bool> consume_once(async::Runtime& runtime, messaging::Broker& broker);
  Task<bool> handle(async::Runtime& runtime, messaging::Subscription& subscription,
                    std::vector<messaging::Delivery> deliveries);
  void deliver(const messaging::Delivery& delivery);
  void settled(const messaging::Delivery& delivery);
  messaging::Message message(async::Runtime& runtime, const std::string& key, int number) const;

  Options options_;
  std::map<std::string, Key> keys_;
  std::uint64_t redelivered_ = 0;
  std::uint64_t fenced_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace sinew::conformance
