#include "newcontext.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sinew/sim/context.hpp"

// In virtual time, on SQLite and the embedded broker: docs/howto/test-a-context.md of Sinew.
namespace newcontext {
namespace {

using sinew::http::Method;
using sinew::sim::ContextTest;

const sinew::Json first = sinew::to_json(TakeNote{"1", "ann", "first"});

TEST(Newcontext, TakesANote) {
  ContextTest<Newcontext> context;

  context.when_requested(Method::post, "/notes", first)
      .then_answers(201, first)
      .then_publishes(NoteTaken{"1", "ann"})
      .then_rows("SELECT note_id, author, text FROM notes", {{"1", "ann", "first"}});
  context.when_requested(Method::get, "/authors/ann")
      .then_answers(200, sinew::to_json(Author{"ann", 1}));
}

TEST(Newcontext, RefusesANoteThatIsNone) {
  ContextTest<Newcontext> context;

  context.when_requested(Method::post, "/notes", sinew::to_json(TakeNote{"1", "ann", ""}))
      .then_answers(400)
      .then_publishes({});
  context.when_requested(Method::get, "/authors/ann").then_answers(404);
}

TEST(Newcontext, TakesANoteOnce) {
  ContextTest<Newcontext> context;

  context.when_requested(Method::post, "/notes", first).twice().then_answers(409);

  context.then_publishes(NoteTaken{"1", "ann"});
}

TEST(Newcontext, CountsAnEventOnceWhereverThePowerGoes) {
  sinew::sim::at_every_power_cut([](sinew::sim::PowerCut& cut) {
    ContextTest<Newcontext> context({.disk = sinew::async::sim::DiskOptions{}});
    context.cut_power_at(cut).when(NoteTaken{"1", "ann"}).twice();

    context.then_rows("SELECT author, notes FROM authors", {{"ann", 1}});
  });
}

// A published version never changes: give the type its next version, and its own schema.
TEST(Contract, IsTheCommittedSchema) {
  const auto file = std::filesystem::path(CONTRACT_FOLDER) / "newcontext.note.taken.v1.schema.json";
  std::ifstream stream(file);
  const std::string committed{std::istreambuf_iterator<char>(stream), {}};

  const auto schema = sinew::json_schema<NoteTaken>("urn:sinew:newcontext.note.taken:1");

  EXPECT_EQ(sinew::to_pretty_text(schema), committed) << file;
}

}  // namespace
}  // namespace newcontext
