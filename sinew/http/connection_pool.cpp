#include "sinew/http/connection_pool.hpp"

#include <algorithm>
#include <array>

#include "sinew/base/error.hpp"

namespace sinew::http {
namespace {

// An unused connection has nothing to read; bytes or an end mean that it is of no more use.
bool is_quiet(async::Stream& stream) noexcept {
  std::array<std::byte, 1> probe;
  return stream.try_read(probe).error == std::errc::operation_would_block;
}

}  // namespace

std::string to_string(const Origin& origin) {
  return async::to_string(async::Endpoint{origin.host, origin.port});
}

ConnectionPool::ConnectionPool(async::Runtime& runtime, net::Resolver& resolver,
                               const ClientOptions& options)
    : runtime_(runtime), resolver_(resolver), options_(options) {}

std::size_t ConnectionPool::open() const noexcept {
  std::size_t open = 0;
  for (const auto& [origin, places] : origins_)
    open += places->open;
  return open;
}

ConnectionPool::Places& ConnectionPool::places_of(const Origin& origin) {
  const auto found = origins_.find(origin);
  if (found != origins_.end()) return *found->second;
  if (origins_.size() >= options_.max_origins) {
    std::erase_if(origins_, [](const auto& entry) {
      return entry.second->open == 0 && entry.second->waiting == 0;
    });
  }
  if (origins_.size() >= options_.max_origins) {
    throw Error(Condition::exhausted, "requests are under way to " +
                                          std::to_string(origins_.size()) +
                                          " origins; raise max_origins or wait for some of them");
  }
  return *origins_.emplace(origin, std::make_unique<Places>()).first->second;
}

Task<ConnectionPool::Lease> ConnectionPool::acquire(Origin origin, bool fresh) {
  Places& places = places_of(origin);
  if (!fresh) {
    if (auto stream = take_idle(places)) {
      Lease lease(*this, places);
      lease.stream_ = std::move(stream);
      lease.reused_ = true;
      co_return lease;
    }
  }
  while (places.open >= options_.max_connections_per_origin && places.idle.empty()) {
    co_await wait_for_place(places, origin);
  }
  auto stream = fresh ? nullptr : take_idle(places);
  const bool reused = stream != nullptr;
  if (!reused && places.open >= options_.max_connections_per_origin) {
    places.idle.erase(places.idle.begin());  // `fresh` at the bound: an unused one makes room
    --places.open;
  }
  if (!reused) ++places.open;
  Lease lease(*this, places);
  lease.reused_ = reused;
  lease.stream_ = reused ? std::move(stream) : co_await connect(origin);
  co_return lease;
}

std::unique_ptr<async::Stream> ConnectionPool::take_idle(Places& places) {
  close_idle(runtime_.now());
  while (!places.idle.empty()) {
    std::unique_ptr<async::Stream> stream = std::move(places.idle.back().stream);
    places.idle.pop_back();
    if (is_quiet(*stream)) return stream;
    --places.open;
  }
  return nullptr;
}

Task<void> ConnectionPool::wait_for_place(Places& places, const Origin& origin) {
  if (places.waiting >= options_.max_waiting_per_origin) {
    throw Error(Condition::exhausted, "too many requests wait for a connection to " +
                                          to_string(origin) + "; send fewer at a time");
  }
  struct Count {
    explicit Count(std::size_t& waiting) : value(++waiting) {}
    ~Count() { --value; }
    std::size_t& value;
  };
  const Count count(places.waiting);
  const async::WaitOutcome outcome = co_await places.waiters.wait();
  if (outcome == async::WaitOutcome::done) co_return;
  const bool timed_out = outcome == async::WaitOutcome::timed_out;
  throw Error(timed_out ? Condition::timeout : Condition::cancelled,
              "no connection to " + to_string(origin) + " became free in time");
}

Task<std::unique_ptr<async::Stream>> ConnectionPool::connect(Origin origin) {
  const std::vector<std::string> addresses = co_await resolver_.resolve(origin.host);
  std::string cause = "it has no address";
  for (const std::string& address : addresses) {
    try {
      co_return co_await async::with_deadline(runtime_.now() + options_.connect_timeout,
                                              runtime_.connect({address, origin.port}));
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      cause = error.detail();
    }
    const async::TaskContext& context = co_await async::this_context();
    if (context.deadline <= runtime_.now()) throw Error(Condition::timeout, cause);
  }
  throw Error(Condition::unavailable, "cannot connect to " + to_string(origin) + ": " + cause);
}

void ConnectionPool::put_back(Places& places, std::unique_ptr<async::Stream> stream) {
  const Instant until = runtime_.now() + options_.idle_timeout;
  places.idle.push_back({std::move(stream), until});
  places.waiters.notify_one();
  if (!async::Timer::linked()) runtime_.arm(*this, until);
}

void ConnectionPool::free_place(Places& places) noexcept {
  --places.open;
  places.waiters.notify_one();
}

void ConnectionPool::close_idle(Instant now) {
  for (auto& [origin, places] : origins_) {
    const std::size_t closed =
        std::erase_if(places->idle, [now](const Idle& idle) { return idle.until <= now; });
    places->open -= closed;
  }
}

void ConnectionPool::fire() noexcept {
  close_idle(runtime_.now());
  Instant next = Instant::max();
  for (const auto& [origin, places] : origins_) {
    if (!places->idle.empty()) next = std::min(next, places->idle.front().until);
  }
  if (next != Instant::max()) runtime_.arm(*this, next);
}

}  // namespace sinew::http
