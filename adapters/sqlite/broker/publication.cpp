#include "adapters/sqlite/broker/publication.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/broker/placement.hpp"
#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::Confirm;
using messaging::DestinationKind;
using messaging::Message;

bool too_large(const Message& message) {
  return message.envelope.data.size() > event::Envelope::max_data_bytes;
}

void check(const Message& message) {
  if (message.destination.kind == DestinationKind::topic && message.envelope.ordering_key.empty()) {
    throw Error(Condition::invalid_input,
                fmt::format("a record of type {} for the topic {} has no ordering key: name the "
                            "entity whose records must stay in order",
                            message.envelope.type, message.destination.name));
  }
  if (!too_large(message)) event::validate(message.envelope);
  store::timing_of(message.destination, message.envelope);
}

}  // namespace

Publication::Publication(Directory& directory, std::vector<Message> messages, Timestamp now)
    : directory_(directory), now_(now) {
  for (const Message& message : messages)
    check(message);
  confirms_.reserve(messages.size());
  for (Message& message : messages) {
    const std::string key = message.envelope.ordering_key;
    const bool behind_refused = !key.empty() && refused_keys_.contains(key);
    const Confirm confirm = behind_refused ? Confirm::rejected : route(message);
    if (confirm != Confirm::accepted && !key.empty()) refused_keys_.insert(key);
    confirms_.push_back(confirm);
  }
}

Confirm Publication::route(Message& message) {
  if (too_large(message)) return Confirm::rejected;
  return message.destination.kind == DestinationKind::queue ? to_queue(message) : to_topic(message);
}

Confirm Publication::to_queue(Message& message) {
  const auto found = directory_.queues.find(message.destination.name);
  if (found == directory_.queues.end()) return Confirm::unroutable;
  const std::shared_ptr<QueueSource>& source = found->second;
  const auto sequence = source->queue().reserve();
  if (!sequence) return Confirm::rejected;
  const event::Timing timing = event::timing_of(message.envelope);
  Placement placed = place(*source, *sequence, std::move(message.envelope), timing);
  ForQueue& batch = batch_of(source);
  if (placed.delayed()) {
    first_timed_ = std::min(first_timed_, source->clock().instant_of(*placed.row.due_at));
    batch.delayed.push_back(*sequence);
  } else {
    first_timed_ = std::min(first_timed_, placed.entry.expires);
    batch.entries.push_back(std::move(placed.entry));
  }
  messages_.push_back(std::move(placed.row));
  return Confirm::accepted;
}

Publication::ForQueue& Publication::batch_of(const std::shared_ptr<QueueSource>& source) {
  const auto batch = std::ranges::find(queues_, source, &ForQueue::source);
  if (batch != queues_.end()) return *batch;
  return queues_.emplace_back(source);
}

std::vector<std::int64_t> Publication::ForQueue::sequences() const {
  std::vector<std::int64_t> all = delayed;
  for (const Entry& entry : entries)
    all.push_back(entry.sequence);
  return all;
}

Confirm Publication::to_topic(Message& message) {
  const auto found = directory_.topics.find(message.destination.name);
  if (found == directory_.topics.end()) return Confirm::unroutable;
  Topic& topic = *found->second;
  const auto index =
      static_cast<std::size_t>(hash_of(message.envelope.ordering_key) %
                               static_cast<std::uint64_t>(topic.row.spec.partitions));
  const auto partition = static_cast<std::int32_t>(index);
  if (topic.next[index] > Queue::max_sequence) return Confirm::rejected;
  const std::int64_t sequence = topic.next[index]++;
  // Times of a partition never go back, though the wall clock may.
  topic.times[index] = std::max(topic.times[index], now_);
  records_.push_back({topic.row.number + partition, sequence, 0, event::encode(message.envelope),
                      topic.times[index]});
  const auto known = std::ranges::find_if(partitions_, [&](const ForPartition& each) {
    return each.topic == &topic && each.partition == partition;
  });
  if (known == partitions_.end()) {
    partitions_.push_back({&topic, partition, sequence});
  } else {
    known->head = sequence;
  }
  return Confirm::accepted;
}

Task<void> Publication::write(store::Transaction& tx) {
  tx.after_commit(*this);
  co_await insert_messages(tx, messages_);
  co_await insert_records(tx, records_);
}

void Publication::committed() noexcept {
  for (ForQueue& batch : queues_) {
    batch.source->queue().delayed(std::ssize(batch.delayed));
    batch.source->queue().published(std::move(batch.entries));
    changed_.push_back(batch.source.get());
  }
  raise_heads();
  for (const ForPartition& each : partitions_) {
    for (const auto& [name, group] : each.topic->groups) {
      const bool known = std::ranges::find(changed_, group.get()) != changed_.end();
      if (!known) changed_.push_back(group.get());
    }
  }
}

void Publication::failed() {
  for (const ForQueue& batch : queues_)
    batch.source->queue().withdraw(std::ssize(batch.entries) + std::ssize(batch.delayed));
}

void Publication::doubtful() {
  for (const ForQueue& batch : queues_)
    batch.source->queue().doubt(std::ranges::max(batch.sequences()));
  raise_heads();
}

void Publication::raise_heads() {
  for (const ForPartition& each : partitions_) {
    auto& head = each.topic->heads[static_cast<std::size_t>(each.partition)];
    head = std::max(head, each.head);
    for (const auto& [name, group] : each.topic->groups)
      group->group().appended(each.partition, head);
  }
}

Task<void> Publication::find_out(store::Database& database) {
  while (!queues_.empty()) {
    const ForQueue& batch = queues_.back();
    const std::vector<std::int64_t> sequences = batch.sequences();
    const std::int64_t written = co_await database.read([&](store::Transaction& tx) {
      return count_messages(tx, batch.source->number(), sequences);
    });
    const std::int64_t delayed = written == 0 ? 0 : std::ssize(batch.delayed);
    batch.source->queue().end_doubt(std::ssize(sequences), written, delayed);
    queues_.pop_back();
  }
}

}  // namespace sinew::sqlite::broker
