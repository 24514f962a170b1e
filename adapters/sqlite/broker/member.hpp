#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/messaging/broker.hpp"

namespace sinew::sqlite::broker {

// One subscription, within the life of a broker.
using MemberId = std::uint64_t;

struct MemberOptions {
  std::size_t prefetch = 64;
  Duration lease{};
};

// What a member is to be given.
struct Dealt {
  MemberId member = 0;
  std::vector<messaging::Signal> signals;
};

// How a member left: with close(), or by being dropped with deliveries in work, which then count as
// attempts.
enum class Departure : std::uint8_t { closed, dropped };

}  // namespace sinew::sqlite::broker
