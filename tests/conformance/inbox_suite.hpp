#pragma once

#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// The Inbox on an engine: of a message and its duplicates one takes effect, together with its mark.
class InboxConformance : public Conformance {
 protected:
  Task<bool> mark(std::string consumer, std::string source, Uuid id);
  Task<std::int64_t> forget(Timestamp before, std::size_t limit);
  Task<Timestamp> clock();
  Task<bool> advance(Timestamp seen, Duration by);
};

}  // namespace sinew::conformance
