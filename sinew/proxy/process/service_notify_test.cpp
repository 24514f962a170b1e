#include "sinew/proxy/process/service_notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "sinew/sim/temporary_folder.hpp"

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

// The service manager's end.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  }

  std::string heard() {
    std::array<char, 1024> text;
    const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return size < 0 ? "nothing" : std::string(text.data(), static_cast<std::size_t>(size));
  }

 private:
  async::Descriptor socket_;
};

std::string own_name(const char* what) {
  return std::string("@sinew-") + what + "-" + std::to_string(::getpid());
}

TEST(ServiceNotify, SaysHowItIs) {
  Manager manager(own_name("manager"));
  ServiceNotify notify(own_name("manager"));

  notify.ready("serves 3 routes");
  EXPECT_EQ(manager.heard(), "READY=1\nSTATUS=serves 3 routes\n");
  notify.reloading(1234567us);
  EXPECT_EQ(manager.heard(), "RELOADING=1\nMONOTONIC_USEC=1234567\n");
  notify.extend_timeout(30s);
  EXPECT_EQ(manager.heard(), "EXTEND_TIMEOUT_USEC=30000000\n");
  notify.stopping("");
  EXPECT_EQ(manager.heard(), "STOPPING=1\n");
}

TEST(ServiceNotify, AStatusCannotSmuggleAFieldOrGrow) {
  Manager manager(own_name("strict"));
  ServiceNotify notify(own_name("strict"));

  notify.status("fine\nMAINPID=1");
  EXPECT_EQ(manager.heard(), "STATUS=fine\n");
  notify.status(std::string(5000, 'x'));
  EXPECT_EQ(manager.heard().size(), 512);
}

TEST(ServiceNotify, ASocketMayBeAPath) {
  const sim::TemporaryFolder folder;
  Manager manager(folder.file("notify"));
  ServiceNotify notify(folder.file("notify"));

  notify.ready("");

  EXPECT_EQ(manager.heard(), "READY=1\n");
}

TEST(ServiceNotify, WithoutAManagerNothingHappens) {
  for (const std::string& name : {std::string(), std::string("@"), std::string("relative/path"),
                                  std::string("/no/such/socket"), std::string(200, '/')}) {
    ServiceNotify notify(name);
    EXPECT_FALSE(notify.listened_to()) << name;
    notify.ready("serves");
  }
  std::optional<Manager> manager(own_name("gone"));
  ServiceNotify notify(own_name("gone"));
  manager.reset();
  notify.ready("serves");
}

}  // namespace
}  // namespace sinew::proxy
