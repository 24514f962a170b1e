#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/base/uuid.hpp"
#include "sinew/event/envelope.hpp"

namespace sinew::store {

enum class DestinationKind : std::uint8_t { queue, topic };

// Where a message goes: a queue takes commands and replies, a topic takes events.
struct Destination {
  DestinationKind kind = DestinationKind::queue;
  std::string name;  // 1 to 200 of [a-zA-Z0-9._-]
  friend auto operator<=>(const Destination&, const Destination&) = default;
};

// What is wrong with a message of a batch.
struct Refusal {
  std::size_t index = 0;  // from 0, in the order of add()
  Condition condition = Condition::invalid_input;
  std::string reason;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// What to do with a batch of which some messages are refused.
enum class OnError : std::uint8_t {
  fail,  // insert nothing: BatchRefused with all refusals
  skip,  // insert the others, in their order
};

// All that is wrong with a batch. Its condition is that of the first refusal; its sentence names
// the first ten.
class BatchRefused final : public Error {
 public:
  BatchRefused(std::vector<Refusal> refusals, std::size_t messages);
  const std::vector<Refusal>& refusals() const noexcept { return refusals_; }

 private:
  std::vector<Refusal> refusals_;
};

// What became of a batch; with OnError::skip look at `refused`.
struct [[nodiscard]] BatchInserted {
  std::size_t inserted = 0;
  std::vector<Refusal> refused;
};

// Messages that leave together, each looked at when it is added; see Outbox::insert_all().
class OutboxBatch {
 public:
  static constexpr std::size_t max_messages = 1000;
  static constexpr std::size_t max_bytes = std::size_t{16} * 1024 * 1024;  // of data, in all

  // Refuses what Outbox::insert() does as invalid_input, and a message with the id of an earlier
  // one, which its consumers would take for a duplicate. Throws Error invalid_input when the batch
  // has its messages or bytes; it stays as it was.
  void add(Destination destination, event::Envelope envelope);
  // Counts a message that could not even be made.
  void refuse(Condition condition, std::string reason);

  std::size_t size() const noexcept { return size_; }  // the refused ones included
  const std::vector<Refusal>& refusals() const noexcept { return refusals_; }

 private:
  friend class Outbox;
  struct Row {
    Destination destination;
    event::Envelope envelope;
  };
  void require_room(std::size_t bytes) const;

  std::vector<Row> rows_;
  std::vector<Refusal> refusals_;
  std::set<Uuid> ids_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sinew::store
