#include "sinew/async/sim/network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <string_view>

#include "sinew/async/sim/link.hpp"
#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"

namespace sinew::async::sim {

// What a listener and the network share; the listener's own end closes it.
struct Listening {
  Node* node;
  Endpoint local;
  ListenOptions options;
  bool closed = false;
  std::deque<std::unique_ptr<LinkStream>> backlog;
  WaitQueue acceptors;
};

namespace {

// Where the system takes its own ports from: Linux, ip_local_port_range.
constexpr std::uint16_t first_own_port = 32768;
constexpr std::uint16_t last_own_port = 60999;

bool is_numeric(const std::string& address) {
  in6_addr parsed{};
  return inet_pton(AF_INET, address.c_str(), &parsed) == 1 ||
         inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

bool is_wildcard(std::string_view address) { return address == "0.0.0.0" || address == "::"; }

void check_address(const Endpoint& endpoint) {
  if (is_numeric(endpoint.address)) return;
  throw Error(Condition::invalid_input,
              "'" + endpoint.address + "' is not a numeric address; resolve the name first");
}

// A sleep that gives its outcome instead of throwing in the name of a pause.
class Transit final : public Sleep {
 public:
  explicit Transit(Duration duration) noexcept : Sleep(duration) {}
  WaitOutcome await_resume() const noexcept { return outcome(); }
};

void check_transit(WaitOutcome outcome, const Endpoint& to) {
  if (outcome == WaitOutcome::timed_out) {
    throw Error(Condition::timeout, "the deadline passed while connecting to " + to_string(to) +
                                        "; is it overloaded, or the deadline too short?");
  }
  if (outcome == WaitOutcome::cancelled) {
    throw Error(Condition::cancelled, "cancelled while connecting to " + to_string(to));
  }
}

Task<std::unique_ptr<Stream>> accept_from(std::shared_ptr<Listening> listening) {
  while (listening->backlog.empty() && !listening->closed) {
    switch (co_await listening->acceptors.wait()) {
      case WaitOutcome::timed_out:
        throw Error(Condition::timeout, "the deadline passed while waiting for a connection");
      case WaitOutcome::cancelled:
        throw Error(Condition::cancelled, "cancelled while waiting for a connection");
      default: break;
    }
  }
  if (listening->closed) throw Error(Condition::cancelled, "the listener is closed");
  std::unique_ptr<Stream> stream = std::move(listening->backlog.front());
  listening->backlog.pop_front();
  co_return stream;
}

}  // namespace

class SimListener final : public Listener {
 public:
  SimListener(Network& network, std::shared_ptr<Listening> state)
      : network_(network), state_(std::move(state)) {}
  ~SimListener() override { close(); }

  Endpoint local() const override { return state_->local; }
  Task<std::unique_ptr<Stream>> accept() override { return accept_from(state_); }
  void close() noexcept override {
    if (!state_->closed) network_.close(*state_);
  }

 private:
  Network& network_;
  std::shared_ptr<Listening> state_;
};

Network::Network(World& world, const NetworkOptions& options)
    : world_(world), options_(options), next_port_(first_own_port) {}

Network::~Network() = default;

Network::Pair Network::pair_of(const Node& one, const Node& other) {
  Pair pair(one.name(), other.name());
  if (pair.second < pair.first) std::swap(pair.first, pair.second);
  return pair;
}

void Network::partition(const Node& one, const Node& other) {
  partitions_.insert(pair_of(one, other));
}

void Network::heal(const Node& one, const Node& other) {
  partitions_.erase(pair_of(one, other));
  for (const auto& link : live())
    link->release();
}

void Network::heal() {
  partitions_.clear();
  delays_.clear();
  options_.refuse = 0;
  options_.reset = 0;
  for (const auto& link : live())
    link->release();
}

void Network::delay(const Node& one, const Node& other, Duration extra) {
  delays_[pair_of(one, other)] = extra;
}

std::size_t Network::cut(const Node& one, const Node& other) {
  std::size_t count = 0;
  for (const auto& link : live()) {
    if (!link->open_anywhere()) continue;
    if (pair_of(link->node(0), link->node(1)) != pair_of(one, other)) continue;
    link->reset();
    ++count;
  }
  return count;
}

bool Network::cut_one() {
  auto links = live();
  std::erase_if(links, [](const auto& link) { return !link->open_anywhere(); });
  if (links.empty()) return false;
  links[world_.random().below(links.size())]->reset();
  return true;
}

std::size_t Network::connections() const noexcept {
  const auto links = live();
  return static_cast<std::size_t>(
      std::ranges::count_if(links, [](const auto& link) { return link->open_anywhere(); }));
}

bool Network::parted(const Node& one, const Node& other) const {
  return !partitions_.empty() && partitions_.contains(pair_of(one, other));
}

Duration Network::latency(const Node& one, const Node& other) {
  Duration latency = world_.random().within(options_.latency);
  if (delays_.empty()) return latency;
  if (const auto found = delays_.find(pair_of(one, other)); found != delays_.end()) {
    latency += found->second;
  }
  return latency;
}

void Network::add(const std::shared_ptr<Link>& link) {
  if (links_.size() == links_.capacity()) {
    std::erase_if(links_, [](const auto& known) { return known.expired(); });
  }
  links_.push_back(link);
}

std::vector<std::shared_ptr<Link>> Network::live() const {
  std::vector<std::shared_ptr<Link>> links;
  for (const auto& known : links_) {
    if (auto link = known.lock()) links.push_back(std::move(link));
  }
  return links;
}

Task<std::unique_ptr<Stream>> Network::connect(Node& from, Endpoint to) {
  check_address(to);
  const Instant give_up = world_.now() + options_.connect_timeout;
  check_transit(co_await Transit(latency(from, from)), to);
  std::shared_ptr<Listening> listening = reachable(from, to);
  // RFC 6298 (2): one second, then twice as long each time.
  for (Duration pause = std::chrono::seconds(1); listening == nullptr; pause *= 2) {
    if (world_.now() + pause > give_up) {
      throw Error(Condition::timeout,
                  "no answer from " + to_string(to) + "; is the network between the two broken?");
    }
    check_transit(co_await Transit(pause), to);
    listening = reachable(from, to);
  }
  std::unique_ptr<Stream> stream = establish(from, *listening, to);
  check_transit(co_await Transit(latency(from, *listening->node)), to);
  co_return stream;
}

// Nothing when no answer comes: behind a partition, or with a full backlog.
std::shared_ptr<Listening> Network::reachable(const Node& from, const Endpoint& to) {
  auto listening = next_listening(to);
  if (listening != nullptr && parted(from, *listening->node)) return nullptr;
  if (listening == nullptr || world_.random().chance(options_.refuse)) {
    throw Error(Condition::unavailable,
                to_string(to) + " refused the connection; is its process running?");
  }
  const std::size_t backlog = listening->options.backlog > 0
                                  ? static_cast<std::size_t>(listening->options.backlog)
                                  : options_.backlog;
  return listening->backlog.size() < std::min(backlog, options_.backlog) ? listening : nullptr;
}

std::unique_ptr<Stream> Network::establish(Node& from, Listening& listening, const Endpoint& to) {
  const Endpoint own{"127.0.0.1", free_port()};
  const auto link = std::make_shared<Link>(*this, from, own, *listening.node, to);
  add(link);
  std::unique_ptr<Stream> stream = link->open(0);
  listening.backlog.push_back(link->open(1));
  listening.acceptors.notify_one();
  return stream;
}

std::unique_ptr<Listener> Network::listen(Node& node, Endpoint endpoint,
                                          const ListenOptions& options) {
  check_address(endpoint);
  if (endpoint.port == 0) {
    endpoint.port = free_port();
  } else if (taken(endpoint, options.shared)) {
    throw Error(Condition::conflict,
                to_string(endpoint) + " is in use; stop the other process or choose another port");
  }
  auto listening = std::make_shared<Listening>();
  listening->node = &node;
  listening->local = endpoint;
  listening->options = options;
  if (node.alive()) {
    listeners_[Address(endpoint.port, endpoint.address)].push_back(listening);
  } else {
    listening->closed = true;
  }
  return std::make_unique<SimListener>(*this, std::move(listening));
}

bool Network::taken(const Endpoint& endpoint, bool shared) const {
  return std::ranges::any_of(listeners_, [&](const auto& entry) {
    const auto& [port, address] = entry.first;
    const bool overlaps =
        port == endpoint.port &&
        (address == endpoint.address || is_wildcard(address) || is_wildcard(endpoint.address));
    return overlaps && !(shared && entry.second.front()->options.shared);
  });
}

// Those that share the address take turns.
std::shared_ptr<Listening> Network::next_listening(const Endpoint& endpoint) {
  for (const std::string_view address :
       {std::string_view(endpoint.address), std::string_view("0.0.0.0"), std::string_view("::")}) {
    const auto found = listeners_.find(Address(endpoint.port, address));
    if (found == listeners_.end()) continue;
    auto& sharing = found->second;
    std::ranges::rotate(sharing, sharing.begin() + 1);
    return sharing.back();
  }
  return nullptr;
}

// Ports of clients are not tracked: as with a real system's, one may come again after all others.
std::uint16_t Network::free_port() {
  for (int tried = first_own_port; tried <= last_own_port; ++tried) {
    const std::uint16_t port = next_port_;
    next_port_ = port == last_own_port ? first_own_port : static_cast<std::uint16_t>(port + 1);
    const auto next = listeners_.lower_bound(Address(port, ""));
    if (next == listeners_.end() || next->first.first != port) return port;
  }
  throw Error(Condition::exhausted, "every port of the simulated machine is in use");
}

void Network::close(Listening& listening) noexcept {
  listening.closed = true;
  for (const auto& stream : listening.backlog)
    stream->abort();
  listening.backlog.clear();
  listening.acceptors.notify_all();
  const auto found = listeners_.find(Address(listening.local.port, listening.local.address));
  if (found == listeners_.end()) return;
  std::erase_if(found->second, [&](const auto& known) { return known.get() == &listening; });
  if (found->second.empty()) listeners_.erase(found);
}

void Network::crash(const Node& node) noexcept {
  std::vector<std::shared_ptr<Listening>> own;
  for (const auto& [address, sharing] : listeners_) {
    std::ranges::copy_if(sharing, std::back_inserter(own),
                         [&](const auto& listening) { return listening->node == &node; });
  }
  for (const auto& listening : own)
    close(*listening);
  for (const auto& link : live()) {
    for (const std::size_t side : {0, 1}) {
      if (&link->node(side) == &node) link->abandon(side);
    }
  }
}

std::string Network::describe() const {
  std::string text = "  network:";
  for (const auto& [address, sharing] : listeners_) {
    for (const auto& listening : sharing) {
      text +=
          fmt::format(" '{}' listens on {};", listening->node->name(), to_string(listening->local));
    }
  }
  for (const auto& [one, other] : partitions_)
    text += fmt::format(" '{}' and '{}' are parted;", one, other);
  for (const auto& link : live()) {
    if (!link->open_anywhere()) continue;
    text += fmt::format(" '{}' to '{}' at {}, unread {} and {} bytes;", link->node(0).name(),
                        link->node(1).name(), to_string(link->endpoint(1)), link->unread(0),
                        link->unread(1));
  }
  return text;
}

}  // namespace sinew::async::sim
