#pragma once

#include "sinew/store/event_log.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// The EventLog port: expected versions, repeatable appends, streams and the one order of all
// events, in which no reader misses one that commits later.
class EventLogConformance : public Conformance {
 protected:
  using Events = std::vector<store::NewEvent>;
  using Recorded = std::vector<store::RecordedEvent>;

  store::NewEvent event(std::string data = "{}");
  Events events(std::size_t count);
  Events typed(std::string type, std::size_t count);
  Task<store::Appended> append(std::string stream, store::ExpectedVersion expected, Events events);
  Task<std::vector<store::Appended>> append_all(std::vector<store::StreamAppend> parts);
  Task<Recorded> stream(std::string id, std::int64_t from = 0, std::size_t limit = 1000);
  Task<Recorded> all(store::Checkpoint after = {}, std::size_t limit = 1000);
  Task<store::EventPage> page(store::EventFilter filter, store::Checkpoint after,
                              std::size_t limit);
  Task<Recorded> matching(store::EventFilter filter, store::Checkpoint after, std::size_t limit);
  Task<store::Checkpoint> head();
  Task<store::Checkpoint> before(Timestamp time);
};

}  // namespace sinew::conformance
