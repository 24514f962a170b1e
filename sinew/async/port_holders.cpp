#include "sinew/async/port_holders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "sinew/async/socket_address.hpp"

namespace sinew::async {
namespace {

namespace fs = std::filesystem;

using AddressBytes = std::array<unsigned char, sizeof(in6_addr)>;

// An address as /proc writes it, in words of the machine's order, and its port.
struct Local {
  AddressBytes bytes{};
  std::size_t size = 0;
  std::uint16_t port = 0;

  bool wildcard() const { return bytes == AddressBytes{}; }
};

template <class T>
std::optional<T> parse_hex(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Local> parse_local(std::string_view text) {
  constexpr std::size_t digits_a_word = 8;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon % digits_a_word != 0) return std::nullopt;
  Local local;
  local.size = colon / 2;
  if (local.size > local.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < colon; i += digits_a_word) {
    const auto word = parse_hex<std::uint32_t>(text.substr(i, digits_a_word));
    if (!word) return std::nullopt;
    std::memcpy(local.bytes.data() + i / 2, &*word, sizeof *word);
  }
  const auto port = parse_hex<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  local.port = *port;
  return local;
}

Local local_of(const Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  Local local;
  local.port = endpoint.port;
  if (address.family() == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address.data(), sizeof v6);
    local.size = sizeof v6.sin6_addr;
    std::memcpy(local.bytes.data(), &v6.sin6_addr, local.size);
  } else {
    sockaddr_in v4;
    std::memcpy(&v4, address.data(), sizeof v4);
    local.size = sizeof v4.sin_addr;
    std::memcpy(local.bytes.data(), &v4.sin_addr, local.size);
  }
  return local;
}

bool overlap(const Local& one, const Local& other) {
  if (one.port != other.port) return false;
  const bool same = one.size == other.size && one.bytes == other.bytes;
  return same || one.wildcard() || other.wildcard();
}

// A line: "sl local_address rem_address st tx:rx tr:when retransmits uid timeout inode ...".
void collect_sockets(const char* table, const Local& wanted, std::set<std::string>& sockets) {
  constexpr std::string_view listening = "0A";
  constexpr int columns_to_inode = 6;  // after the state
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    std::string slot, local_text, remote, state, inode;
    columns >> slot >> local_text >> remote >> state;
    for (int i = 0; i < columns_to_inode; ++i)
      columns >> inode;
    const auto local = parse_local(local_text);
    if (state == listening && local && overlap(*local, wanted)) {
      sockets.insert(fmt::format("socket:[{}]", inode));
    }
  }
}

// What the process has open of `sockets` is no longer in `unknown`.
bool has_one_of(const fs::path& process, const std::set<std::string>& sockets,
                std::set<std::string>& unknown) {
  bool found = false;
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unreadable;
    const std::string link = fs::read_symlink(entry->path(), unreadable).string();
    if (!sockets.contains(link)) continue;
    unknown.erase(link);
    found = true;
  }
  return found;
}

std::string name_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

std::string to_string(const PortHolder& holder) {
  if (holder.process == 0) return "another user's process";
  return fmt::format("process {} ({})", holder.process, holder.name);
}

std::vector<PortHolder> port_holders(const Endpoint& endpoint) {
  const Local wanted = local_of(endpoint);
  std::set<std::string> sockets;
  collect_sockets("/proc/net/tcp", wanted, sockets);
  collect_sockets("/proc/net/tcp6", wanted, sockets);
  std::vector<PortHolder> holders;
  if (sockets.empty()) return holders;
  std::set<std::string> unknown = sockets;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int process = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), process);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (has_one_of(entry->path(), sockets, unknown)) {
      holders.push_back({process, name_of(entry->path())});
    }
  }
  if (!unknown.empty()) holders.push_back({});
  return holders;
}

}  // namespace sinew::async
