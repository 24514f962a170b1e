#pragma once

#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// The Database port: atomic and isolated transactions, reads of committed data, durable answers,
// values as they were written, migrations that cannot be changed afterwards.
class DatabaseConformance : public Conformance {
 protected:
  Task<void> open_account(std::string name, std::int64_t balance);
  Task<std::int64_t> balance(std::string name);
  Task<std::int64_t> total();
};

}  // namespace sinew::conformance
