#include <algorithm>
#include <map>

#include "sinew/store/projection_verbs.hpp"
#include "tests/conformance/projection_suite.hpp"

namespace sinew::conformance {

using store::RecordedEvent;
using store::Transaction;
using store::ViewTable;

namespace {

const ViewTable first_tables[] = {
    {.name = "lists",
     .columns = "stream TEXT NOT NULL, said TEXT NOT NULL, raw BYTES",
     .key = "stream",
     .indexes = {{.name = "lists_by_text", .columns = "said, stream"}}},
};
// The second version has a column more, and a table whose key has two columns.
const ViewTable second_tables[] = {
    {.name = "lists",
     .columns = "stream TEXT NOT NULL, said TEXT NOT NULL, raw BYTES, events BIGINT NOT NULL",
     .key = "stream",
     .indexes = {{.name = "lists_by_text", .columns = "said, stream"}}},
    {.name = "words",
     .columns = "list TEXT NOT NULL, word TEXT NOT NULL, times BIGINT NOT NULL",
     .key = "list, word"},
};

Task<void> add_first(Transaction& tx, const RecordedEvent& event) {
  co_await tx.execute(
      "INSERT INTO lists (stream, said, raw) VALUES (?, ?, ?) "
      "ON CONFLICT (stream) DO UPDATE SET said = lists.said || ' ' || excluded.said",
      {event.stream, event.data.view(), event.data.span()});
}

Task<void> add_second(Transaction& tx, const RecordedEvent& event) {
  co_await tx.execute(
      "INSERT INTO lists (stream, said, raw, events) VALUES (?, ?, ?, 1) "
      "ON CONFLICT (stream) DO UPDATE SET said = lists.said || ' ' || excluded.said, "
      "events = lists.events + 1",
      {event.stream, event.data.view(), event.data.span()});
  co_await tx.execute(
      "INSERT INTO words (list, word, times) VALUES (?, ?, 1) "
      "ON CONFLICT (list, word) DO UPDATE SET times = words.times + 1",
      {event.stream, event.data.view()});
}

}  // namespace

std::span<const ViewTable> Lists::tables() const noexcept {
  if (version_ == 1) return first_tables;
  return second_tables;
}

Task<void> Lists::apply(Transaction& tx, const RecordedEvent& event) {
  ++calls;
  const auto rows = co_await tx.execute("SELECT said FROM lists WHERE stream = ?", {event.stream});
  if (rows.size() > 1) throw Error(Condition::corrupt, "a list stands twice");
  if (std::ranges::find(refused, event.data.view()) != refused.end()) {
    throw Error(Condition::corrupt, "not to be said");
  }
  co_await (version_ == 1 ? add_first(tx, event) : add_second(tx, event));
}

Task<std::vector<std::string>> ViewConformance::lists() {
  co_return co_await db().read([](Transaction& tx) -> Task<std::vector<std::string>> {
    std::vector<std::string> lines;
    for (const auto row : co_await tx.execute("SELECT stream, said FROM lists ORDER BY stream"))
      lines.push_back(row.text(0) + ": " + row.text(1));
    co_return lines;
  });
}

Task<std::vector<std::string>> ViewConformance::expected() {
  std::map<std::string, std::string> lists;
  store::EventSubscription events(db(), {});
  for (;;) {
    const auto page = co_await events.next_ready();
    for (const RecordedEvent& event : page) {
      std::string& list = lists[event.stream];
      list += (list.empty() ? "" : " ") + std::string(event.data.view());
    }
    if (page.empty()) break;
  }
  std::vector<std::string> lines;
  for (const auto& [stream, list] : lists)
    lines.push_back(stream + ": " + list);
  co_return lines;
}

Task<void> ViewConformance::ask_for_rebuild(store::ProjectionRunner& runner) {
  for (bool unknown = false, asked = false; !asked;) {
    try {
      co_await db().transaction(
          [](Transaction& tx) { return store::ask_for_rebuild(tx, "lists"); });
      asked = true;
    } catch (const Error& error) {
      asked = unknown && error.condition() == Condition::conflict;  // by the time before
      if (!asked && error.applied() != Applied::unknown) throw;
      unknown = true;
    }
  }
  runner.wake();
}

Task<void> ViewConformance::until(std::function<bool()> done) {
  constexpr int most_looks = 3000;
  for (int look = 0; look < most_looks && !done(); ++look)
    co_await async::Sleep(std::chrono::milliseconds(10));
  EXPECT_TRUE(done());
}

Task<void> ViewConformance::until_one_generation() {
  constexpr int most_looks = 1000;
  const std::string sql = "SELECT COUNT(*) FROM projection_generations";
  for (int look = 0; look < most_looks && co_await count(sql) != 1; ++look)
    co_await async::Sleep(std::chrono::milliseconds(10));
  EXPECT_EQ(co_await count(sql), 1);
}

Task<std::int64_t> ViewConformance::count(std::string sql) {
  co_return co_await db().read([&](Transaction& tx) -> Task<std::int64_t> {
    co_return (co_await tx.execute(store::Statement::dynamic(sql)))[0].integer(0);
  });
}

Task<bool> ViewConformance::has_table(std::string name) {
  try {
    co_await count("SELECT COUNT(*) FROM " + name);
    co_return true;
  } catch (const Error& error) {
    if (error.transient()) throw;
  }
  co_return false;
}

}  // namespace sinew::conformance
