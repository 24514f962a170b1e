#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/http/client.hpp"

namespace sinew::http {

// Where a client connects to.
struct Origin {
  std::string host;
  std::uint16_t port = 0;

  friend auto operator<=>(const Origin&, const Origin&) = default;
};
std::string to_string(const Origin& origin);

// Open connections by origin, bounded; the unused ones are closed when their time is over. Lives
// on one worker; outlives its leases.
class ConnectionPool final : private async::Timer {
 public:
  class Lease;

  ConnectionPool(async::Runtime& runtime, net::Resolver& resolver, const ClientOptions& options);

  // A connection to `origin`; a new one if `fresh`. Waits for one to be free at the bound. Errors:
  // exhausted, unavailable, not_found, timeout, cancelled; nothing is sent by any of them.
  Task<Lease> acquire(Origin origin, bool fresh);

  std::size_t open() const noexcept;

 private:
  struct Idle {
    std::unique_ptr<async::Stream> stream;
    Instant until;
  };
  struct Places {
    std::vector<Idle> idle;  // the one used last at the end
    std::size_t open = 0;    // idle, leased or being connected
    std::size_t waiting = 0;
    async::WaitQueue waiters;
  };

  Places& places_of(const Origin& origin);
  std::unique_ptr<async::Stream> take_idle(Places& places);
  Task<std::unique_ptr<async::Stream>> connect(Origin origin);
  Task<void> wait_for_place(Places& places, const Origin& origin);
  void put_back(Places& places, std::unique_ptr<async::Stream> stream);
  static void free_place(Places& places) noexcept;
  void close_idle(Instant now);
  void fire() noexcept override;

  async::Runtime& runtime_;
  net::Resolver& resolver_;
  const ClientOptions& options_;
  std::map<Origin, std::unique_ptr<Places>> origins_;
};

// A connection for one request. Closed when dropped, unless it was given back.
class ConnectionPool::Lease {
 public:
  Lease(ConnectionPool& pool, Places& places) noexcept : pool_(&pool), places_(&places) {}
  Lease(Lease&& other) noexcept
      : pool_(other.pool_),
        places_(std::exchange(other.places_, nullptr)),
        stream_(std::move(other.stream_)),
        reused_(other.reused_) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    stream_.reset();
    if (places_ != nullptr) free_place(*places_);
  }

  async::Stream& stream() noexcept { return *stream_; }
  // It carried requests before, so the peer may have closed it meanwhile.
  bool reused() const noexcept { return reused_; }
  // The connection may carry another request.
  void give_back() { pool_->put_back(*std::exchange(places_, nullptr), std::move(stream_)); }

 private:
  friend class ConnectionPool;
  ConnectionPool* pool_;
  Places* places_;
  std::unique_ptr<async::Stream> stream_;
  bool reused_ = false;
};

}  // namespace sinew::http
