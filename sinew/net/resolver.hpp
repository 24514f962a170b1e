#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/task.hpp"

namespace sinew::net {

// Whether `host` is an IPv4 or IPv6 address in digits, without brackets.
bool is_numeric_address(std::string_view host) noexcept;

// Addresses which need no look-up: a numeric one is itself; localhost and what ends in .localhost
// is the loopback (RFC 6761, section 6.3). Otherwise nothing.
std::optional<std::vector<std::string>> resolve_locally(std::string_view host);

// What is known of a name.
struct Answer {
  std::vector<std::string> addresses;  // at least one, numeric, in the order to try them
  // How long it holds, the least of all its records; none: for ever, it came from no name server.
  std::optional<std::chrono::seconds> ttl = std::nullopt;
};

// Turns a host's name into numeric addresses. One worker.
class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  // Errors: not_found when the name does not exist or has no address, invalid_input when it is no
  // host name, unavailable when no server answers or is able to, exhausted, timeout, cancelled.
  virtual Task<Answer> look_up(std::string host) = 0;
  // Its addresses alone.
  Task<std::vector<std::string>> resolve(std::string host);
};

// Names from a fixed table, besides those that need no look-up: for tests, simulation, and systems
// that shall ask no DNS.
class FixedResolver final : public Resolver {
 public:
  using Table = std::map<std::string, std::vector<std::string>, std::less<>>;

  explicit FixedResolver(Table table = {}) : table_(std::move(table)) {}

  Task<Answer> look_up(std::string host) override;

 private:
  Table table_;
};

}  // namespace sinew::net
