#include "sinew/async/os_random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <exception>

namespace sinew::async {

// Without the system's generator ids would collide and tokens could be guessed: nothing may go on.
void OsRandom::refill() noexcept {
  auto* bytes = reinterpret_cast<char*>(words_.data());
  for (std::size_t filled = 0; filled < sizeof words_;) {
    const auto got = ::getrandom(bytes + filled, sizeof words_ - filled, 0);
    if (got < 0 && errno != EINTR) std::terminate();
    if (got > 0) filled += static_cast<std::size_t>(got);
  }
  used_ = 0;
}

}  // namespace sinew::async
