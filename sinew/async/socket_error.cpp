#include "sinew/async/socket_error.hpp"

#include <cerrno>

namespace sinew::async {
namespace {

Condition condition_of(int error_number) noexcept {
  switch (error_number) {
    case EADDRINUSE: return Condition::conflict;
    case EACCES:
    case EPERM: return Condition::unauthorized;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC: return Condition::exhausted;
    case ETIMEDOUT: return Condition::timeout;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EBADF:
    case EINVAL: return Condition::invalid_input;
    default: return Condition::unavailable;
  }
}

}  // namespace

Error socket_error(const std::string& what, int error_number) {
  return Error(condition_of(error_number),
               what + ": " + std::generic_category().message(error_number));
}

}  // namespace sinew::async
