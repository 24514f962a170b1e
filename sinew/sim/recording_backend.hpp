#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/sim/world.hpp"
#include "sinew/context/backend.hpp"

namespace sinew::sim {

// What left the contexts of a world, each message once, in the order in which the broker took it.
// Outlives the processes.
class Recording {
 public:
  // Messages to the queues of contexts that are not in the world, and that nobody declared, end
  // here: the test plays them.
  void declared(const messaging::Topology& topology);
  void contexts(std::set<std::string, std::less<>> names) { contexts_ = std::move(names); }
  bool played_by_test(const store::Destination& destination) const;

  void add(const messaging::Message& message);
  const std::vector<messaging::Message>& messages() const noexcept { return messages_; }

 private:
  std::set<std::string, std::less<>> contexts_;
  std::set<std::string, std::less<>> queues_;
  std::set<std::pair<std::string, Uuid>> seen_;
  std::vector<messaging::Message> messages_;
};

// A backend before another one that records what its contexts publish, and publishes some of it
// twice, as a relay does that lost its answer. The other one, world and recording outlive it.
class RecordingBackend final : public context::Backend {
 public:
  RecordingBackend(context::Backend& inner, Recording& recording, async::sim::World& world,
                   double duplicates)
      : inner_(inner), recording_(recording), world_(world), duplicates_(duplicates) {}

  Task<void> start(async::Runtime& runtime, std::filesystem::path folder) override {
    return inner_.start(runtime, std::move(folder));
  }
  Task<void> stop() override { return inner_.stop(); }
  bool databases_are_exclusive() const noexcept override {
    return inner_.databases_are_exclusive();
  }
  Task<std::unique_ptr<store::Database>> open_database(async::Runtime& runtime,
                                                       std::filesystem::path folder) override {
    return inner_.open_database(runtime, std::move(folder));
  }
  Task<std::unique_ptr<messaging::Broker>> connect_broker(async::Runtime& runtime,
                                                          std::string context) override;
  messaging::QueueOperator* queues() noexcept override { return inner_.queues(); }

 private:
  context::Backend& inner_;
  Recording& recording_;
  async::sim::World& world_;
  double duplicates_;
};

}  // namespace sinew::sim
