#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/broker/group_source.hpp"
#include "adapters/sqlite/broker/queue_source.hpp"
#include "adapters/sqlite/broker/tables.hpp"

namespace sinew::sqlite::broker {

// A topic: where its partitions end, and who reads it.
struct Topic {
  explicit Topic(TopicRow topic_row) : row(std::move(topic_row)), heads(row.heads) {
    next = heads;
    for (std::int64_t& sequence : next)
      ++sequence;
  }

  TopicRow row;
  std::vector<std::int64_t> next;   // sequences to be given out
  std::vector<std::int64_t> heads;  // committed
  std::map<std::string, std::unique_ptr<GroupSource>, std::less<>> groups;
};

// The broker's queues and topics, by name.
struct Directory {
  std::map<std::string, std::unique_ptr<QueueSource>, std::less<>> queues;
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics;
};

}  // namespace sinew::sqlite::broker
