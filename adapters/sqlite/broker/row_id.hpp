#pragma once

#include <cstdint>

namespace sinew::sqlite::broker {

// Row ids of messages and records: the number of the queue or partition, then the sequence.
inline constexpr int sequence_bits = 40;
inline constexpr std::int64_t sequence_mask = (std::int64_t{1} << sequence_bits) - 1;

constexpr std::int64_t id_of(std::int64_t number, std::int64_t sequence) {
  return (number << sequence_bits) + sequence;
}
constexpr std::int64_t sequence_of(std::int64_t id) { return id & sequence_mask; }
constexpr std::int64_t number_of(std::int64_t id) { return id >> sequence_bits; }

}  // namespace sinew::sqlite::broker
