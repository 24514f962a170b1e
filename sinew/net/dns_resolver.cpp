#include "sinew/net/dns_resolver.hpp"

#include <ares.h>
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <mutex>

#include "sinew/async/channel.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/watch.hpp"
#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"

namespace sinew::net {
namespace {

Condition condition_of(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME: return Condition::not_found;
    case ARES_EBADNAME: return Condition::invalid_input;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION: return Condition::cancelled;
    default: return Condition::unavailable;
  }
}

void check(int status, const std::string& host) {
  if (status == ARES_SUCCESS) return;
  throw Error(condition_of(status), "cannot resolve " + host + ": " + ares_strerror(status));
}

std::string address_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes =
      address.sa_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  return inet_ntop(address.sa_family, bytes, text.data(), text.size()) == nullptr ? ""
                                                                                  : text.data();
}

struct Channel {
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    if (handle != nullptr) ares_destroy(handle);
  }
  ares_channel handle = nullptr;
};

void require_server_list(const std::string& servers) {
  if (servers.empty()) return;
  Channel channel;
  if (ares_init(&channel.handle) != ARES_SUCCESS) return;  // each look-up says so
  if (ares_set_servers_ports_csv(channel.handle, servers.c_str()) == ARES_SUCCESS) return;
  throw Error(Condition::invalid_input,
              "'" + servers + "' is no list of name servers; write 10.0.0.53,10.0.0.54:5353");
}

// One name being looked up, with a channel of its own: c-ares' sockets then live and end with it,
// and dropping the task drops them. Reading resolv.conf each time costs less than a round trip.
class Lookup {
 public:
  Lookup(async::TaskContext& context, const DnsOptions& options, std::string host);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  Task<Answer> run();

 private:
  // A socket of c-ares. Its number may come again after it was closed; its id does not.
  struct Socket {
    unsigned id = 0;
    bool wants_read = false;
    bool wants_write = false;
  };

  static void on_socket(void* self, ares_socket_t socket, int readable, int writable);
  static void on_result(void* self, int status, int timeouts, ares_addrinfo* found);
  Task<void> drive(int socket, unsigned id, async::Interest interest);
  Task<void> expire();
  bool wants(int socket, unsigned id, async::Interest interest) const;

  async::Runtime& runtime_;
  std::string host_;
  std::map<int, Socket> sockets_;
  unsigned last_id_ = 0;
  bool done_ = false;
  int status_ = ARES_SUCCESS;
  Answer answer_;
  async::Event finished_;
  std::exception_ptr unwatchable_;
  Channel channel_;
  async::Scope scope_;  // ends before the channel that its tasks use
};

Lookup::Lookup(async::TaskContext& context, const DnsOptions& options, std::string host)
    : runtime_(*context.runtime), host_(std::move(host)), scope_(context) {
  ares_options settings{};
  settings.timeout = static_cast<int>(options.timeout / std::chrono::milliseconds(1));
  settings.tries = options.tries;
  settings.sock_state_cb = &Lookup::on_socket;
  settings.sock_state_cb_data = this;
  check(ares_init_options(&channel_.handle, &settings,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB),
        host_);
  if (!options.servers.empty()) {
    check(ares_set_servers_ports_csv(channel_.handle, options.servers.c_str()), host_);
  }
}

Task<Answer> Lookup::run() {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_.handle, host_.c_str(), nullptr, &hints, &Lookup::on_result, this);
  std::exception_ptr failure;
  try {
    if (!done_) scope_.spawn(expire(), "dns timeout");
    co_await finished_.wait();
    failure = unwatchable_;
  } catch (...) {
    failure = std::current_exception();
  }
  scope_.cancel();
  try {
    co_await scope_.join();
  } catch (const Error&) {  // the deadline, which finished_ has met as well
  }
  if (failure) std::rethrow_exception(failure);
  check(status_, host_);
  if (answer_.addresses.empty()) check(ARES_ENODATA, host_);
  co_return std::move(answer_);
}

void Lookup::on_socket(void* data, ares_socket_t socket, int readable, int writable) {
  Lookup& self = *static_cast<Lookup*>(data);
  if (readable == 0 && writable == 0) {
    self.runtime_.unwatch(socket);
    self.sockets_.erase(socket);
    return;
  }
  Socket& entry = self.sockets_[socket];
  if (entry.id == 0) entry.id = ++self.last_id_;
  const bool reads = std::exchange(entry.wants_read, readable != 0);
  const bool writes = std::exchange(entry.wants_write, writable != 0);
  if (entry.wants_read && !reads) {
    self.scope_.spawn(self.drive(socket, entry.id, async::Interest::readable), "dns");
  }
  if (entry.wants_write && !writes) {
    self.scope_.spawn(self.drive(socket, entry.id, async::Interest::writable), "dns");
  }
}

bool Lookup::wants(int socket, unsigned id, async::Interest interest) const {
  const auto found = sockets_.find(socket);
  if (done_ || found == sockets_.end() || found->second.id != id) return false;
  return interest == async::Interest::readable ? found->second.wants_read
                                               : found->second.wants_write;
}

// Lets c-ares work whenever its socket is ready, as long as it wants that. A socket that is closed
// meanwhile is never ready; the end of the scope ends the wait.
Task<void> Lookup::drive(int socket, unsigned id, async::Interest interest) {
  while (wants(socket, id, interest)) {
    try {
      co_await async::ready(socket, interest);
    } catch (const Error& error) {
      if (error.condition() != Condition::unsupported) throw;
      // A simulated runtime: nothing will ever be ready, so the look-up need not time out.
      unwatchable_ = std::current_exception();
      finished_.set();
      co_return;
    }
    if (!wants(socket, id, interest)) co_return;
    const bool reads = interest == async::Interest::readable;
    ares_process_fd(channel_.handle, reads ? socket : ARES_SOCKET_BAD,
                    reads ? ARES_SOCKET_BAD : socket);
  }
}

// Tries again, and in the end gives up, what had no answer in time. Bounded by c-ares' tries.
Task<void> Lookup::expire() {
  while (!done_) {
    timeval most{.tv_sec = 1, .tv_usec = 0};
    timeval room{};
    const timeval* next = ares_timeout(channel_.handle, &most, &room);
    co_await async::sleep_for(std::chrono::seconds(next->tv_sec) +
                              std::chrono::microseconds(next->tv_usec));
    ares_process_fd(channel_.handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }
}

void Lookup::on_result(void* data, int status, int, ares_addrinfo* found) {
  Lookup& self = *static_cast<Lookup*>(data);
  self.done_ = true;
  self.status_ = status;
  if (found != nullptr) {
    for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
      const std::chrono::seconds ttl(std::max(node->ai_ttl, 0));
      self.answer_.addresses.push_back(address_text(*node->ai_addr));
      self.answer_.ttl = std::min(ttl, self.answer_.ttl.value_or(ttl));
    }
    ares_freeaddrinfo(found);
  }
  self.finished_.set();
}

}  // namespace

void DnsOptions::describe(config::Section<DnsOptions>& section) {
  using namespace std::chrono_literals;
  section.option("servers", &DnsOptions::servers,
                 "to ask, 10.0.0.53,10.0.0.54:5353; empty: those of /etc/resolv.conf");
  section.option("timeout", &DnsOptions::timeout, "of the first try; later ones wait longer")
      .range(10ms, 1min);
  section.option("tries", &DnsOptions::tries, "of each server").range(1, 10);
  section.option("max_lookups", &DnsOptions::max_lookups, "names looked up at once")
      .range(1, 10'000);
}

DnsResolver::DnsResolver(DnsOptions options) : options_(std::move(options)) {
  static std::once_flag initialised;
  std::call_once(initialised, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  require_server_list(options_.servers);
}

Task<Answer> DnsResolver::look_up(std::string host) {
  if (auto local = resolve_locally(host)) co_return Answer{std::move(*local)};
  if (lookups_ >= options_.max_lookups) {
    throw Error(Condition::exhausted, "too many names are being looked up; try again later");
  }
  struct Count {
    explicit Count(std::size_t& value) : counted(++value) {}
    ~Count() { --counted; }
    std::size_t& counted;
  };
  const Count count(lookups_);
  Lookup lookup(co_await async::this_context(), options_, std::move(host));
  co_return co_await lookup.run();
}

}  // namespace sinew::net
