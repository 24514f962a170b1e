#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "sinew/messaging/middleware.hpp"

namespace sinew::messaging {

// Parks messages of some types (reason `unauthorized`) unless they come from the sources allowed
// for them, before a handler sees them. A source is the envelope's, which the sender's context
// writes: this guards against what is wired or moved wrongly, not against whoever can write to the
// broker.
class AllowedSenders final : public AttemptMiddleware {
 public:
  using SourcesByType = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

  // Types that are not in the list may come from everywhere.
  explicit AllowedSenders(SourcesByType sources_by_type);

  Task<Passed> around(Incoming incoming, Next next) override;

 private:
  SourcesByType sources_by_type_;
};

}  // namespace sinew::messaging
