#include "sinew/messaging/message_metrics.hpp"

#include <exception>

namespace sinew::messaging {
namespace {

constexpr std::size_t most_types = 100;
constexpr std::size_t most_series = 2'000;

}  // namespace

MessageMetrics::MessageMetrics(async::Runtime& runtime, metrics::Registry& registry)
    : runtime_(runtime),
      outcomes_(registry.counters("sinew_messages_handled_total",
                                  "Messages that were taken in hand, by what became of them.",
                                  {"consumer", "type", "outcome"}, most_series)),
      seconds_(registry.histograms("sinew_message_seconds", "Time of a message in hand.",
                                   {"consumer", "type"})) {}

Task<MessageMetrics::Passed> MessageMetrics::around(Incoming incoming, Next next) {
  const Instant begin = runtime_.now();
  try {
    auto passed = co_await next();
    count(incoming, passed.result().what, runtime_.now() - begin);
    co_return passed;
  } catch (...) {
    count(incoming, Outcome::What::returned, runtime_.now() - begin);
    throw;
  }
}

MessageMetrics::Entry& MessageMetrics::entry_of(const std::string& type) {
  const auto found = by_type_.find(type);
  if (found != by_type_.end()) return *found;
  return *by_type_.try_emplace(by_type_.size() < most_types ? type : std::string(metrics::kOther))
              .first;
}

void MessageMetrics::count(const Incoming& incoming, Outcome::What what, Duration time) {
  auto& [type, instruments] = entry_of(incoming.message.type);
  metrics::Counter*& counter = instruments.outcomes.at(static_cast<std::size_t>(what));
  if (counter == nullptr) {
    counter = &outcomes_.with({incoming.consumer, type, to_string(what)});
  }
  if (instruments.seconds == nullptr) {
    instruments.seconds = &seconds_.with({incoming.consumer, type});
  }
  counter->add();
  instruments.seconds->observe(std::chrono::duration<double>(time).count());
}

}  // namespace sinew::messaging
