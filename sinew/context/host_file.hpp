#pragma once

#include <boost/describe.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sinew/async/descriptor.hpp"

namespace sinew::context {

struct HostedContext {
  std::string name;
  std::string url;
};
BOOST_DESCRIBE_STRUCT(HostedContext, (), (name, url))

// What a host tells of itself to those who share its folder.
struct RunningHost {
  std::string name;
  std::int64_t pid = 0;
  std::string operator_url;
  std::vector<HostedContext> contexts;
};
BOOST_DESCRIBE_STRUCT(RunningHost, (), (name, pid, operator_url, contexts))

// <folder>/hosts/<name>.json, there while its host runs. The process holds a lock on it: one that a
// killed host left counts for nothing, whoever has its process id and its ports by now.
class HostFile {
 public:
  // <folder>/hosts exists. Errors: unavailable.
  HostFile(const std::filesystem::path& folder, const RunningHost& host);
  HostFile(const HostFile&) = delete;
  HostFile& operator=(const HostFile&) = delete;
  ~HostFile();

 private:
  std::filesystem::path path_;
  async::Descriptor lock_;
};

// The hosts that serve the folder now; none when there is no such folder. Blocks.
// Errors: unauthorized (another user's), corrupt (a running host's file that cannot be read).
std::vector<RunningHost> running_hosts(const std::filesystem::path& folder);

}  // namespace sinew::context
