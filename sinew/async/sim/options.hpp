#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "sinew/async/sim/random.hpp"
#include "sinew/base/time.hpp"

namespace sinew::async::sim {

// Which of the things that could happen next happens: one drawn from the seed, or the one that came
// first. Fifo is for tests that state an order; bugs are found by `seeded`.
enum class Order : std::uint8_t { seeded, fifo };

struct NetworkOptions {
  // One way, drawn for each piece of a write; bytes of one direction stay in order all the same.
  Range latency{std::chrono::microseconds(10), std::chrono::milliseconds(1)};
  // Bytes that a direction holds, on its way and unread together: then the writer waits.
  std::size_t buffer_bytes = 64 * 1024;
  // Into how many pieces a write is cut at most, each arriving by itself.
  std::size_t pieces = 4;
  double short_write = 0.2;  // probability that a write takes only a part of what there is room for
  std::size_t backlog = 128;  // connections that wait to be accepted; more are refused
  double refuse = 0;          // probability that a connect is refused
  double reset = 0;           // probability, for each write, that the connection breaks instead
  // What Linux takes to give up on an address that does not answer (tcp_syn_retries = 6).
  Duration connect_timeout = std::chrono::seconds(127);
};

struct Options {
  Order order = Order::seeded;
  // Tasks resumed in one turn at most before the hooks of its end run; drawn for each turn.
  std::uint32_t longest_turn = 32;
  // From offload() to the job's effect, and from there to its completion.
  Range offload{std::chrono::microseconds(20), std::chrono::milliseconds(5)};
  Range commit{std::chrono::microseconds(200), std::chrono::milliseconds(10)};
  Range handover{Duration::zero(), std::chrono::microseconds(50)};
  // A task that keeps its node busy for longer without suspending is reported as stalled.
  Duration stall_threshold = std::chrono::milliseconds(50);
  // Bounds that tell a simulation without end from a long one: steps in all, and without time
  // going on.
  std::uint64_t most_steps = 50'000'000;
  std::uint64_t most_steps_at_once = 1'000'000;
  // The share of the fault sites that a seed enables (see Faults).
  double enabled_sites = 0.5;
  // 2026-01-01T00:00:00Z.
  Timestamp start = from_micros(1'767'225'600'000'000);
  NetworkOptions network;
};

}  // namespace sinew::async::sim
