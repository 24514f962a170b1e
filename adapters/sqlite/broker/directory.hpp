#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite/broker/group_source.hpp"
#include "adapters/sqlite/broker/queue_source.hpp"
#include "adapters/sqlite/broker/tables.hpp"

namespace sinew::sqlite::broker {

// A topic: where its partitions begin and end, and who reads it.
struct Topic {
  explicit Topic(TopicRow topic_row)
      : row(std::move(topic_row)), heads(row.heads), starts(row.starts), times(row.times) {
    next = heads;
    for (std::int64_t& sequence : next)
      ++sequence;
  }

  const messaging::Retention& retention() const { return *row.spec.retention; }

  TopicRow row;
  std::vector<std::int64_t> next;    // sequences to be given out
  std::vector<std::int64_t> heads;   // committed
  std::vector<std::int64_t> starts;  // up to here nothing is left
  std::vector<Timestamp> times;      // of the last record that was given a sequence
  std::map<std::string, std::shared_ptr<GroupSource>, std::less<>> groups;
};

// The broker's queues and topics, by name.
struct Directory {
  std::map<std::string, std::shared_ptr<QueueSource>, std::less<>> queues;
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics;

  // Null when there is none.
  QueueSource* queue(std::string_view name) const {
    const auto found = queues.find(name);
    return found == queues.end() ? nullptr : found->second.get();
  }
};

}  // namespace sinew::sqlite::broker
