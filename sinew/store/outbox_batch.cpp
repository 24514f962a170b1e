#include "sinew/store/outbox_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/store/outbox.hpp"

namespace sinew::store {
namespace {

constexpr std::size_t most_named = 10;

std::string sentence_of(const std::vector<Refusal>& refusals, std::size_t messages) {
  std::string text =
      fmt::format("{} of {} messages are refused, none is sent", refusals.size(), messages);
  for (std::size_t i = 0; i < std::min(refusals.size(), most_named); ++i) {
    fmt::format_to(std::back_inserter(text), "; message {}: {}", refusals[i].index,
                   refusals[i].reason);
  }
  if (refusals.size() > most_named) {
    fmt::format_to(std::back_inserter(text), "; and {} more", refusals.size() - most_named);
  }
  return text;
}

}  // namespace

BatchRefused::BatchRefused(std::vector<Refusal> refusals, std::size_t messages)
    : Error(refusals.front().condition, sentence_of(refusals, messages)),
      refusals_(std::move(refusals)) {}

void OutboxBatch::require_room(std::size_t bytes) const {
  if (size_ >= max_messages) {
    throw Error(Condition::invalid_input,
                fmt::format("a batch has at most {} messages: send what it has and begin another",
                            max_messages));
  }
  if (bytes_ + bytes > max_bytes) {
    throw Error(Condition::invalid_input,
                fmt::format("a batch has at most {} bytes of data: send what it has and begin "
                            "another",
                            max_bytes));
  }
}

void OutboxBatch::add(Destination destination, event::Envelope envelope) {
  require_room(envelope.data.size());
  try {
    validate(destination, envelope);
  } catch (const Error& error) {
    return refuse(error.condition(), error.detail());
  }
  if (!ids_.insert(envelope.id).second) {
    return refuse(Condition::invalid_input,
                  fmt::format("an earlier message of the batch has its id {}: consumers would take "
                              "it for a duplicate",
                              to_string(envelope.id)));
  }
  bytes_ += envelope.data.size();
  rows_.push_back({std::move(destination), std::move(envelope)});
  ++size_;
}

void OutboxBatch::refuse(Condition condition, std::string reason) {
  require_room(0);
  refusals_.push_back({size_, condition, std::move(reason)});
  ++size_;
}

}  // namespace sinew::store
