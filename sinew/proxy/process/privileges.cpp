#include "sinew/proxy/process/privileges.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

constexpr std::uint32_t bind_low_ports = 1U << CAP_NET_BIND_SERVICE;  // in the first word of two

void check(bool good, const char* what) {
  if (good) return;
  throw Error(Condition::unauthorized,
              fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

// The words of capset(2); libcap would be a library for one call.
class Capabilities {
 public:
  static Capabilities current() {
    Capabilities now;
    check(::syscall(SYS_capget, &now.header_, now.words_.data()) == 0,
          "the process's capabilities cannot be read");
    return now;
  }
  void apply() {
    check(::syscall(SYS_capset, &header_, words_.data()) == 0,
          "the process's capabilities cannot be dropped");
  }

  bool low_ports() const noexcept { return (words_[0].permitted & bind_low_ports) != 0; }
  // Nothing but, at most, the binding of low ports.
  void keep_low_ports() noexcept {
    const std::uint32_t kept = words_[0].permitted & bind_low_ports;
    words_ = {};
    words_[0].permitted = words_[0].effective = kept;
  }
  bool more_than_low_ports() const noexcept {
    return (words_[0].permitted & ~bind_low_ports) != 0 || words_[1].permitted != 0 ||
           words_[0].inheritable != 0 || words_[1].inheritable != 0;
  }

 private:
  __user_cap_header_struct header_{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> words_{};
};

struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(Condition::invalid_input, sentence);
}

// getpwnam and getgrnam keep one answer for all threads; there is one here.
void find_user(const std::string& name, Account& account) {
  account.name = name;
  if (const passwd* found = ::getpwnam(name.c_str()); found != nullptr) {
    account.user = found->pw_uid;
    account.group = found->pw_gid;
  } else if (const auto id = number(name)) {
    account.user = account.group = *id;
    if (const passwd* by_id = ::getpwuid(*id); by_id != nullptr) account.group = by_id->pw_gid;
  } else {
    refuse(fmt::format("--user: there is no user `{}`; make one with `adduser --system --group {}`",
                       name, name));
  }
}

gid_t find_group(const std::string& name) {
  if (const group* found = ::getgrnam(name.c_str()); found != nullptr) return found->gr_gid;
  if (const auto id = number(name)) return *id;
  refuse(fmt::format("--user: there is no group `{}`", name));
}

Account find_account(const std::string& text) {
  constexpr int most_groups = 65'536;  // NGROUPS_MAX of Linux
  Account account;
  const std::size_t colon = text.find(':');
  find_user(text.substr(0, colon), account);
  if (colon != std::string::npos) account.group = find_group(text.substr(colon + 1));
  if (account.user == 0 || account.group == 0) {
    refuse(
        fmt::format("--user {}: that is root, or root's group; name one that may do less", text));
  }
  account.groups.resize(most_groups);
  int count = most_groups;
  ::getgrouplist(account.name.c_str(), account.group, account.groups.data(), &count);
  account.groups.resize(static_cast<std::size_t>(std::clamp(count, 0, most_groups)));
  return account;
}

void require_one_thread() {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto threads =
      std::distance(fs::directory_iterator("/proc/self/task", error), fs::directory_iterator());
  if (threads > 1) {
    throw Error(Condition::invalid_input,
                "privileges are dropped before threads start: a capability is a thread's own");
  }
}

// Before the user changes: nobody else may do it.
void empty_bounding_set() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability == CAP_NET_BIND_SERVICE) continue;
    check(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 || errno == EPERM,
          "the bounding set of capabilities cannot be emptied");
  }
}

void become(const Account& account) {
  empty_bounding_set();
  check(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0, "capabilities cannot be kept");
  check(::setgroups(account.groups.size(), account.groups.data()) == 0,
        "the groups of the user cannot be taken on");
  check(::setresgid(account.group, account.group, account.group) == 0,
        "the group of the user cannot be taken on");
  check(::setresuid(account.user, account.user, account.user) == 0, "the user cannot be taken on");
  check(::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0, "capabilities cannot be forgotten");
}

void verify(const Account& account) {
  const auto regained = [](const char* what) {
    throw Error(Condition::unauthorized,
                fmt::format("privileges were dropped, but {}; refusing to run", what));
  };
  uid_t users[3];
  gid_t groups[3];
  if (::getresuid(&users[0], &users[1], &users[2]) != 0 ||
      !std::ranges::all_of(users, [&](uid_t id) { return id == account.user; })) {
    regained("the user did not change everywhere");
  }
  if (::getresgid(&groups[0], &groups[1], &groups[2]) != 0 ||
      !std::ranges::all_of(groups, [&](gid_t id) { return id == account.group; })) {
    regained("the group did not change everywhere");
  }
  if (::setresuid(0, 0, 0) == 0 || ::seteuid(0) == 0) regained("it can become root again");
  if (::setresgid(0, 0, 0) == 0) regained("it can enter root's group again");
  if (Capabilities::current().more_than_low_ports()) regained("it has capabilities left");
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) regained("no_new_privs is not set");
  if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) regained("it may still leave a core");
}

// Whoever is not root stays who it is.
Account require_same(const std::string& user) {
  Account account;
  account.user = ::geteuid();
  account.group = ::getegid();
  account.name = fmt::format("{}", account.user);
  if (const passwd* found = ::getpwuid(account.user); found != nullptr) {
    account.name = found->pw_name;
  }
  if (user.empty()) return account;
  const Account wanted = find_account(user);
  if (wanted.user == account.user && wanted.group == account.group) return account;
  throw Error(
      Condition::unauthorized,
      fmt::format("--user {}: only root can become somebody else; this is {}", user, account.name));
}

}  // namespace

Privileges drop_privileges(const std::string& user) {
  require_one_thread();
  const bool root = ::geteuid() == 0;
  if (root && user.empty()) {
    throw Error(Condition::unauthorized,
                "started as root: say with --user NAME[:GROUP] who it shall run as, or start it as "
                "that user (ports below 1024 need CAP_NET_BIND_SERVICE only)");
  }
  const Account account = root ? find_account(user) : require_same(user);
  if (root) become(account);
  check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0,
        "ambient capabilities cannot be cleared");
  Capabilities capabilities = Capabilities::current();
  capabilities.keep_low_ports();
  capabilities.apply();
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs cannot be set");
  check(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "core files cannot be turned off");
  verify(account);
  return {.user = account.name, .low_ports = capabilities.low_ports()};
}

FileLimit raise_file_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  FileLimit raised{.before = limit.rlim_cur, .now = limit.rlim_cur};
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) raised.now = limit.rlim_cur;
  return raised;
}

}  // namespace sinew::proxy
