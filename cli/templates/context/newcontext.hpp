#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/newcontext.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace newcontext {

// POST /notes: 201; 400 names what is wrong; 409 when the note was taken before.
struct TakeNote {
  std::string note_id;
  std::string author;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(TakeNote, (), (note_id, author, text))
constexpr auto constraints(const TakeNote*) {
  return sinew::constraints(sinew::field(&TakeNote::note_id, sinew::length(1, 40)),
                            sinew::field(&TakeNote::author, sinew::length(1, 40)),
                            sinew::field(&TakeNote::text, sinew::length(1, 1000)));
}

// GET /authors/{author}: 404 for one who took no note.
struct Author {
  std::string author;
  std::int64_t notes = 0;
};
BOOST_DESCRIBE_STRUCT(Author, (), (author, notes))

class Newcontext final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "newcontext"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  sinew::Task<sinew::http::Response> take_note(const TakeNote& command);
  sinew::Task<Author> show_author(const sinew::http::Request& request);
  // Once for each note, however often the event arrives. An event of another context is handled
  // alike.
  sinew::Task<void> count_note(sinew::store::Transaction& tx, NoteTaken event,
                               const sinew::event::Envelope& message);
};

}  // namespace newcontext
