#include "newcontext.hpp"

#include <array>

#include "sinew/base/error.hpp"

namespace newcontext {

using sinew::Task;
using sinew::http::Method;
using sinew::store::Transaction;

namespace {

// A migration never changes once it was released: the next change is a second one.
constexpr std::array<sinew::store::Migration, 1> migrations{{{1, "notes and authors", R"sql(
CREATE TABLE notes (
  note_id TEXT NOT NULL PRIMARY KEY,
  author TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE TABLE authors (
  author TEXT NOT NULL PRIMARY KEY,
  notes BIGINT NOT NULL
);
)sql"}}};

}  // namespace

void Newcontext::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(migrations)
      .route(Method::post, "/notes", &Newcontext::take_note)
      .route(Method::get, "/authors/{author}", &Newcontext::show_author)
      .handles(&Newcontext::count_note);
}

// The note and its event are one transaction: either both are there, or neither.
Task<sinew::http::Response> Newcontext::take_note(const TakeNote& command) {
  const auto lineage = co_await new_lineage();
  co_await database().transaction([&](Transaction& tx) -> Task<void> {
    co_await tx.execute("INSERT INTO notes (note_id, author, text) VALUES (?, ?, ?)",
                        {command.note_id, command.author, command.text});
    co_await publish(tx, NoteTaken{command.note_id, command.author}, command.author, lineage);
  });
  co_return sinew::http::created("/notes/" + command.note_id, sinew::to_json(command));
}

Task<void> Newcontext::count_note(Transaction& tx, NoteTaken event, const sinew::event::Envelope&) {
  co_await tx.execute(
      "INSERT INTO authors (author, notes) VALUES (?, 1) "
      "ON CONFLICT (author) DO UPDATE SET notes = authors.notes + 1",
      {event.author});
}

Task<Author> Newcontext::show_author(const sinew::http::Request& request) {
  const auto author = request.path_parameter<std::string>("author");
  const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
    co_return co_await tx.execute("SELECT notes FROM authors WHERE author = ?", {author});
  });
  if (rows.empty()) {
    throw sinew::Error(sinew::Condition::not_found, author + " took no note");
  }
  co_return Author{author, rows[0].integer(0)};
}

}  // namespace newcontext
