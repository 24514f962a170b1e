#pragma once

#include <cstdint>
#include <string>

namespace sinew::proxy {

// What the process is from now on.
struct Privileges {
  std::string user;        // by name, or its number
  bool low_ports = false;  // may bind ports below 1024: the one capability that is ever kept
};

// Gives up what a proxy must not have. Once, at the start, before there is a second thread and
// before any listener: listeners of one address share it only among those of one user, so those of
// a reload could not join what root had bound. Lock addresses before or after.
//
// Started as root it becomes `user` (NAME or NAME:GROUP, or numbers; the groups of that user come
// with it) and keeps no capability but CAP_NET_BIND_SERVICE. Started as somebody else `user` is
// empty or that very one, and of the capabilities it has, as by systemd's AmbientCapabilities=,
// again only that one stays. In both cases: no program that it starts can gain a privilege
// (no_new_privs), and it leaves no core and cannot be traced by its own user, since it holds keys
// (PR_SET_DUMPABLE 0; also /proc/<pid>/ then belongs to root). At the end it is verified that there
// is no way back.
//
// Throws Error, after which the process has to end: unauthorized for root without a user, for a
// user that it cannot become, and when something could be regained; invalid_input for a user or
// group that does not exist or is root, and when there are several threads.
Privileges drop_privileges(const std::string& user);

// Raises the limit of open files to the most that the process may have. Any time, for all threads.
struct FileLimit {
  std::uint64_t before = 0;
  std::uint64_t now = 0;
};
FileLimit raise_file_limit() noexcept;

}  // namespace sinew::proxy
