#include "examples/embedding/meter.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace embedding {

using sinew::Task;
using sinew::store::Transaction;

namespace {

constexpr std::array<sinew::store::Migration, 1> totals_migrations{{{1, "readings", R"sql(
CREATE TABLE readings (
  id TEXT NOT NULL PRIMARY KEY,
  meter TEXT NOT NULL,
  reading BIGINT NOT NULL,
  times BIGINT NOT NULL
);
)sql"}}};

}  // namespace

void Meter::describe(sinew::context::ContextSpec& spec) { spec.asks<AskTotal>(); }

void Totals::describe(sinew::context::ContextSpec& spec) {
  spec.migrations(totals_migrations).handles(&Totals::add).answers(&Totals::total);
}

Task<void> Totals::add(Transaction& tx, ReadingTaken reading,
                       const sinew::event::Envelope& message) {
  co_await tx.execute(
      "INSERT INTO readings (id, meter, reading, times) VALUES (?, ?, ?, 1) "
      "ON CONFLICT (id) DO UPDATE SET times = readings.times + 1",
      {to_string(message.id), reading.meter, reading.value});
}

Task<sinew::messaging::Answer<Total>> Totals::total(Transaction& tx, AskTotal asked,
                                                    const sinew::event::Envelope&) {
  const auto rows = co_await tx.execute(
      "SELECT COUNT(*), COALESCE(SUM(reading), 0) FROM readings WHERE meter = ?", {asked.meter});
  co_return Total{rows[0].integer(0), rows[0].integer(1)};
}

Counted counted(const sinew::context::Entrance& totals) {
  const auto look = [](Transaction& tx) -> Task<Counted> {
    const auto rows = co_await tx.execute("SELECT COUNT(*), COALESCE(MAX(times), 0) FROM readings");
    co_return Counted{rows[0].integer(0), rows[0].integer(1)};
  };
  return totals.read(look).get(std::chrono::minutes(1));
}

void expect(bool holds, std::string_view what) {
  if (!holds) throw std::runtime_error("not so: " + std::string(what));
}

int run_in_folder(int count, char** arguments,
                  const std::function<void(const std::filesystem::path&)>& program) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  try {
    std::filesystem::remove_all(arguments[1]);
    program(arguments[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", arguments[0], error.what());
    return 1;
  }
}

}  // namespace embedding
