#include "sinew/sim/recording_backend.hpp"

#include "sinew/context/naming.hpp"

namespace sinew::sim {
namespace {

using messaging::Confirm;
using messaging::Message;

// One context's way to the broker.
class RecordingBroker final : public messaging::Broker {
 public:
  RecordingBroker(std::unique_ptr<messaging::Broker> inner, Recording& recording,
                  async::sim::World& world, double duplicates)
      : inner_(std::move(inner)), recording_(recording), world_(world), duplicates_(duplicates) {}

  messaging::Capabilities capabilities() const override { return inner_->capabilities(); }
  Task<void> declare(messaging::Topology topology) override {
    recording_.declared(topology);
    return inner_->declare(std::move(topology));
  }
  Task<std::unique_ptr<messaging::Subscription>> subscribe(
      messaging::SubscribeOptions options) override {
    return inner_->subscribe(std::move(options));
  }
  Task<std::vector<messaging::TopicStatus>> topics() override { return inner_->topics(); }
  Task<messaging::GroupStatus> lag(std::string topic, std::string group) override {
    return inner_->lag(std::move(topic), std::move(group));
  }
  Task<std::vector<messaging::Moved>> reset(messaging::GroupReset reset) override {
    return inner_->reset(std::move(reset));
  }

  Task<std::vector<Confirm>> publish(std::vector<Message> messages) override {
    std::vector<Message> passed;
    for (const Message& message : messages) {
      if (!recording_.played_by_test(message.destination)) passed.push_back(message);
    }
    std::vector<Confirm> answers;
    if (!passed.empty()) answers = co_await inner_->publish(passed);
    co_await publish_again(std::move(passed), answers);
    std::vector<Confirm> confirms;
    auto answer = answers.begin();
    for (const Message& message : messages) {
      const bool played = recording_.played_by_test(message.destination);
      confirms.push_back(played ? Confirm::accepted : *answer++);
      if (confirms.back() == Confirm::accepted) recording_.add(message);
    }
    co_return confirms;
  }

 private:
  Task<void> publish_again(std::vector<Message> messages, std::vector<Confirm> answers) {
    std::vector<Message> again;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (answers[i] == Confirm::accepted && world_.maybe(duplicates_, "broker.duplicate"))
        again.push_back(messages[i]);
    }
    if (!again.empty()) co_await inner_->publish(std::move(again));
  }

  std::unique_ptr<messaging::Broker> inner_;
  Recording& recording_;
  async::sim::World& world_;
  double duplicates_;
};

}  // namespace

void Recording::declared(const messaging::Topology& topology) {
  for (const messaging::QueueSpec& queue : topology.queues)
    queues_.insert(queue.name);
}

bool Recording::played_by_test(const store::Destination& destination) const {
  return destination.kind == store::DestinationKind::queue && !queues_.contains(destination.name) &&
         !contexts_.contains(context::owner_of(destination.name));
}

void Recording::add(const Message& message) {
  if (!seen_.emplace(message.envelope.source, message.envelope.id).second) return;
  messages_.push_back(message);
}

Task<std::unique_ptr<messaging::Broker>> RecordingBackend::connect_broker(async::Runtime& runtime,
                                                                          std::string context) {
  co_return std::make_unique<RecordingBroker>(
      co_await inner_.connect_broker(runtime, std::move(context)), recording_, world_, duplicates_);
}

}  // namespace sinew::sim
