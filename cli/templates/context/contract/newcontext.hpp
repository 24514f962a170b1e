#pragma once

#include <string>

#include "sinew/base/described.hpp"
#include "sinew/event/typed.hpp"

// The published language of newcontext: what other contexts may include of it, and nothing else.
// The JSON Schema of each message stands beside it; once published, a version never changes.
namespace newcontext {

struct NoteTaken {
  static constexpr sinew::event::EventType type{"newcontext.note.taken", 1};
  std::string note_id;
  std::string author;
};
BOOST_DESCRIBE_STRUCT(NoteTaken, (), (note_id, author))

}  // namespace newcontext
