#include "visits.hpp"

#include <array>

#include "sinew/base/error.hpp"

namespace visits {

using sinew::Task;
using sinew::http::Method;
using sinew::store::Transaction;

namespace {

constexpr std::array<sinew::store::Migration, 1> tally_migrations{{{1, "counts", R"sql(
CREATE TABLE counts (
  visitor TEXT NOT NULL PRIMARY KEY,
  visits BIGINT NOT NULL
);
)sql"}}};

}  // namespace

void Door::describe(sinew::context::ContextSpec& spec) {
  spec.route(Method::post, "/visitors/{visitor}", &Door::enter);
}

Task<sinew::http::Response> Door::enter(const sinew::http::Request& request) {
  const VisitorEntered event{request.path_parameter<std::string>("visitor")};
  const auto lineage = co_await new_lineage();
  co_await database().transaction(
      [&](Transaction& tx) -> Task<void> { co_await publish(tx, event, event.visitor, lineage); });
  co_return sinew::http::accepted(event);
}

void Tally::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(tally_migrations)
      .handles(&Tally::count)
      .route(Method::get, "/counts/{visitor}", &Tally::show);
}

Task<void> Tally::count(Transaction& tx, VisitorEntered event, const sinew::event::Envelope&) {
  co_await tx.execute(
      "INSERT INTO counts (visitor, visits) VALUES (?, 1) "
      "ON CONFLICT (visitor) DO UPDATE SET visits = counts.visits + 1",
      {event.visitor});
}

Task<Count> Tally::show(const sinew::http::Request& request) {
  const auto visitor = request.path_parameter<std::string>("visitor");
  const auto rows = co_await database().read([&](Transaction& tx) -> Task<sinew::store::Rows> {
    co_return co_await tx.execute("SELECT visits FROM counts WHERE visitor = ?", {visitor});
  });
  if (rows.empty()) {
    throw sinew::Error(sinew::Condition::not_found, "there was no visitor " + visitor);
  }
  co_return Count{visitor, rows[0].integer(0)};
}

}  // namespace visits
