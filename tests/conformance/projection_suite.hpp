#pragma once

#include "sinew/store/event_log.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// Checkpoints and projections on an engine: a view and how far it has come never disagree, no event
// counts twice or is skipped, and two runners of one name find out.
class ProjectionConformance : public Conformance {
 protected:
  Task<void> append(std::string stream, std::vector<std::string> data);
  Task<std::int64_t> applied();
};

}  // namespace sinew::conformance
