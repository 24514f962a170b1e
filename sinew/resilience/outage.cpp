#include "sinew/resilience/outage.hpp"

namespace sinew::resilience {

bool is_outage(Condition condition) noexcept {
  switch (condition) {
    case Condition::unavailable:
    case Condition::exhausted:
    case Condition::timeout:
    case Condition::corrupt: return true;
    case Condition::invalid_input:
    case Condition::unauthorized:
    case Condition::not_found:
    case Condition::conflict:
    case Condition::cancelled:
    case Condition::unsupported: return false;
  }
  return false;
}

}  // namespace sinew::resilience
