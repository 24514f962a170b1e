#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>

#include "sinew/async/runtime.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/messaging/middleware.hpp"

namespace sinew::messaging {

// Counts the messages of one consumer by type and by what became of them, and their time in hand:
// `sinew_messages_handled_total` and `sinew_message_seconds`. Beyond 100 types the rest count as
// one, `other`.
class MessageMetrics final : public DeliveryMiddleware {
 public:
  // Both outlive it.
  MessageMetrics(async::Runtime& runtime, metrics::Registry& registry);

  Task<Passed> around(Incoming incoming, Next next) override;

 private:
  struct Instruments {
    std::array<metrics::Counter*, 7> outcomes{};  // by Outcome::What; looked up when first needed
    metrics::Histogram* seconds = nullptr;
  };
  using ByType = std::map<std::string, Instruments, std::less<>>;
  using Entry = ByType::value_type;
  Entry& entry_of(const std::string& type);
  void count(const Incoming& incoming, Outcome::What what, Duration time);

  async::Runtime& runtime_;
  metrics::Family<metrics::Counter>& outcomes_;
  metrics::Family<metrics::Histogram>& seconds_;
  ByType by_type_;
};

}  // namespace sinew::messaging
