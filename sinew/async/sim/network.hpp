#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/sim/options.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/async/task.hpp"

namespace sinew::async::sim {

class Link;
class Node;
class World;
struct Listening;

// The network of a world: all nodes share one machine's addresses, 127.0.0.1 as a rule. Streams
// behave as TCP's do: bytes arrive in pieces after a drawn latency, in order, within a bounded
// buffer; a peer that closes with unread data, or crashes, resets the connection, and a reset may
// lose what was not read yet.
class Network {
 public:
  Network(World& world, const NetworkOptions& options);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // May be changed at any time; what is on its way keeps its latency.
  NetworkOptions& options() noexcept { return options_; }

  // Nothing passes between the two any more, both ways: bytes are held back, not lost, and connects
  // are tried again as TCP does. Both take nodes' names, so that a restarted node stays affected.
  void partition(const Node& one, const Node& other);
  // Ends that partition; what was held back is on its way again.
  void heal(const Node& one, const Node& other);
  // Ends every partition, delay, refusal and random reset.
  void heal();
  // Adds `extra` >= 0 to the latency between the two; zero ends it.
  void delay(const Node& one, const Node& other, Duration extra);
  // Resets every connection between the two; gives how many.
  std::size_t cut(const Node& one, const Node& other);
  // Resets one connection, drawn from the seed. False when there is none.
  bool cut_one();
  // Connections of which at least one side is open.
  std::size_t connections() const noexcept;

 private:
  friend class Link;
  friend class Node;
  friend class World;
  friend class SimListener;

  using Pair = std::pair<std::string, std::string>;
  using Address = std::pair<std::uint16_t, std::string>;

  static Pair pair_of(const Node& one, const Node& other);
  Task<std::unique_ptr<Stream>> connect(Node& from, Endpoint to);
  std::shared_ptr<Listening> reachable(const Node& from, const Endpoint& to);
  std::unique_ptr<Stream> establish(Node& from, Listening& listening, const Endpoint& to);
  std::unique_ptr<Listener> listen(Node& node, Endpoint endpoint, const ListenOptions& options);
  std::shared_ptr<Listening> next_listening(const Endpoint& endpoint);
  bool taken(const Endpoint& endpoint, bool shared) const;
  std::uint16_t free_port();
  void close(Listening& listening) noexcept;
  void crash(const Node& node) noexcept;

  bool parted(const Node& one, const Node& other) const;
  Duration latency(const Node& one, const Node& other);
  void add(const std::shared_ptr<Link>& link);
  std::vector<std::shared_ptr<Link>> live() const;
  std::string describe() const;

  World& world_;
  NetworkOptions options_;
  std::uint16_t next_port_;
  // Of one address more than one where they share it; the first has the next connection.
  std::map<Address, std::deque<std::shared_ptr<Listening>>> listeners_;
  std::set<Pair> partitions_;
  std::map<Pair, Duration> delays_;
  std::vector<std::weak_ptr<Link>> links_;
};

}  // namespace sinew::async::sim
