#include "examples/commerce/program/port_holder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

namespace commerce::program {
namespace {

namespace fs = std::filesystem;

// A line of /proc/net/tcp: "sl local_address rem_address st ... inode", addresses as hex IP:PORT.
std::optional<std::string> listening_inode(const char* table, std::uint16_t port) {
  constexpr std::string_view listening = "0A";
  constexpr int columns_between = 5;  // st and inode
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    std::string slot, local, remote, state, inode;
    columns >> slot >> local >> remote >> state;
    for (int i = 0; i <= columns_between; ++i)
      columns >> inode;
    const std::string suffix = fmt::format(":{:04X}", port);
    if (state == listening && local.ends_with(suffix)) return inode;
  }
  return std::nullopt;
}

bool has_socket(const fs::path& process, const std::string& link) {
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(entry->path(), unreadable) == link) return true;
  }
  return false;
}

std::string name_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

std::optional<std::string> port_holder(std::uint16_t port) {
  auto inode = listening_inode("/proc/net/tcp", port);
  if (!inode) inode = listening_inode("/proc/net/tcp6", port);
  if (!inode) return std::nullopt;
  const std::string link = fmt::format("socket:[{}]", *inode);
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string pid = entry->path().filename().string();
    if (!std::ranges::all_of(pid, [](char c) { return c >= '0' && c <= '9'; })) continue;
    if (has_socket(entry->path(), link)) {
      return fmt::format("process {} ({})", pid, name_of(entry->path()));
    }
  }
  return "another user's process";
}

}  // namespace commerce::program
