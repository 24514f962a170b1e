#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/stream.hpp"

namespace sinew::proxy {

// An address that a proxy is to listen on.
struct ClaimedAddress {
  async::Endpoint endpoint;
  bool only_ipv6 = false;  // as its listeners will ask

  friend bool operator==(const ClaimedAddress&, const ClaimedAddress&) = default;
};

// The listening addresses that are this process's own. A worker each listens on an address by
// SO_REUSEPORT, and so could a second proxy of the same user, by mistake: the system would give
// each a share of the connections and tell nobody. So before anything is listened on, an address is
// locked, by flock on a file in the run folder named after it, and tried by a bind that shares
// nothing. The lock is held until release() or the end of the process, however it ends; its file
// stays, with the number of the process that had it last.
//
// Two proxies with different run folders, or of which one claims a wildcard and the other an
// address of the same port, are told apart by the bind: that sees whoever listens already, but not
// one that starts in the same moment.
//
// One thread.
class AddressLocks {
 public:
  // The folder is made if its parent is there. It belongs to the user whom the process runs as, for
  // reloads claim addresses as well.
  explicit AddressLocks(std::filesystem::path folder);

  // Claims all of them, or none: gives every reason why not, each a sentence that names the address
  // and, where it can be told, the process in the way. What is claimed already stays so and is not
  // tried again; this process itself is never in the way. Port 0 needs no claim.
  std::vector<std::string> claim(std::span<const ClaimedAddress> addresses);
  // When the last listener of the address is closed. One that is not claimed is none of its
  // business.
  void release(const async::Endpoint& endpoint) noexcept;

 private:
  // A reason, or empty and the lock is held.
  std::string claim_one(const ClaimedAddress& address);
  std::filesystem::path file_of(const async::Endpoint& endpoint) const;

  std::filesystem::path folder_;
  std::map<std::string, async::Descriptor> held_;  // by the text of the address
};

}  // namespace sinew::proxy
