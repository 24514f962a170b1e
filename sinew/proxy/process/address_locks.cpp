#include "sinew/proxy/process/address_locks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <expected>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "sinew/async/port_holders.hpp"
#include "sinew/async/socket_address.hpp"
#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

using async::Descriptor;
using async::Endpoint;
using async::SocketAddress;

constexpr mode_t readable_to_all = 0644;

std::string words(int error_number) { return std::generic_category().message(error_number); }

// The one spelling of an address, of the many that IPv6 has.
std::string text_of(const Endpoint& endpoint) {
  return to_string(SocketAddress(endpoint).endpoint());
}

// The process that has the lock wrote its number there.
std::string holder_in(int file) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file, text.data(), text.size() - 1, 0);
  int process = 0;
  const char* end = text.data() + std::max<ssize_t>(size, 0);
  if (std::from_chars(text.data(), end, process).ec != std::errc()) return "another process";
  std::ifstream comm(fmt::format("/proc/{}/comm", process));
  std::string name;
  std::getline(comm, name);
  return to_string(async::PortHolder{process, name});
}

void write_holder(int file) noexcept {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size() - 1, ::getpid()).ptr;
  *end = '\n';
  const auto size = static_cast<std::size_t>(end + 1 - text.data());
  // For people; the lock is what counts.
  if (::ftruncate(file, 0) == 0 && ::pwrite(file, text.data(), size, 0) < 0) return;
}

std::expected<Descriptor, std::string> lock(const std::filesystem::path& file) {
  // Never through a link that somebody laid there.
  Descriptor descriptor(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, readable_to_all));
  if (!descriptor) {
    return std::unexpected(
        fmt::format("its lock {} cannot be opened: {}", file.string(), words(errno)));
  }
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return std::unexpected(fmt::format("{} cannot be locked: {}", file.string(), words(errno)));
    }
    return std::unexpected(fmt::format("it is claimed by {}, which has locked {}",
                                       holder_in(descriptor.get()), file.string()));
  }
  write_holder(descriptor.get());
  return descriptor;
}

// Who but this process listens there; empty: nobody.
std::string strangers(const Endpoint& endpoint) {
  auto holders = async::port_holders(endpoint);
  std::erase_if(holders, [](const auto& holder) { return holder.process == ::getpid(); });
  std::string text;
  for (const auto& holder : holders)
    text += (text.empty() ? "" : ", ") + to_string(holder);
  return text;
}

std::string why_not(const Endpoint& endpoint, int error_number) {
  switch (error_number) {
    case EADDRINUSE: {
      const std::string others = strangers(endpoint);
      if (others.empty() && !async::port_holders(endpoint).empty()) return {};  // we ourselves
      return others.empty() ? "it is in use, by whom cannot be told" : "it is in use by " + others;
    }
    case EACCES:
      return "ports below 1024 need the capability CAP_NET_BIND_SERVICE (under systemd: "
             "AmbientCapabilities=CAP_NET_BIND_SERVICE)";
    case EADDRNOTAVAIL: return "no network interface of this machine has that address";
    default: return words(error_number);
  }
}

// As the listeners will bind, but sharing nothing.
std::string try_bind(const ClaimedAddress& claimed) {
  const SocketAddress address(claimed.endpoint);
  const Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return words(errno);
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // past TIME_WAIT
  if (claimed.only_ipv6 && address.family() == AF_INET6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  }
  if (::bind(socket.get(), address.data(), address.size()) == 0) return {};
  return why_not(claimed.endpoint, errno);
}

}  // namespace

AddressLocks::AddressLocks(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  std::filesystem::create_directory(folder_, error);
  if (error || !std::filesystem::is_directory(folder_)) {
    throw Error(Condition::invalid_input,
                fmt::format("the run folder {} cannot be made: {}", folder_.string(),
                            error ? error.message() : "something else has that name"));
  }
}

std::vector<std::string> AddressLocks::claim(std::span<const ClaimedAddress> addresses) {
  std::vector<std::string> reasons;
  std::vector<const Endpoint*> fresh;
  for (const ClaimedAddress& address : addresses) {
    if (address.endpoint.port == 0 || held_.contains(text_of(address.endpoint))) continue;
    fresh.push_back(&address.endpoint);
    const std::string reason = claim_one(address);
    if (reason.empty()) continue;
    reasons.push_back(fmt::format("cannot listen on {}: {}", to_string(address.endpoint), reason));
  }
  if (reasons.empty()) return reasons;
  for (const Endpoint* endpoint : fresh)
    release(*endpoint);
  return reasons;
}

std::string AddressLocks::claim_one(const ClaimedAddress& address) {
  auto locked = lock(file_of(address.endpoint));
  if (!locked) return locked.error();
  std::string reason = try_bind(address);
  if (reason.empty()) held_.emplace(text_of(address.endpoint), *std::move(locked));
  return reason;
}

std::filesystem::path AddressLocks::file_of(const Endpoint& endpoint) const {
  return folder_ / (text_of(endpoint) + ".lock");
}

void AddressLocks::release(const Endpoint& endpoint) noexcept { held_.erase(text_of(endpoint)); }

}  // namespace sinew::proxy
