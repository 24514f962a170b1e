#include "sinew/sim/rows.hpp"

#include "sinew/base/hex.hpp"

namespace sinew::sim {
namespace {

Json json_of(const store::Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<store::Blob>(&value)) return to_hex(blob->bytes);
  return nullptr;
}

}  // namespace

Task<JsonArray> read_rows(store::Database& database, std::string_view sql) {
  co_return co_await database.read([sql](store::Transaction& tx) -> Task<JsonArray> {
    JsonArray rows;
    for (const auto row : co_await tx.execute(store::Statement::dynamic(sql))) {
      JsonArray columns;
      for (std::size_t i = 0; i < row.size(); ++i)
        columns.push_back(json_of(row.value(i)));
      rows.emplace_back(std::move(columns));
    }
    co_return rows;
  });
}

Json rows_of(std::initializer_list<std::initializer_list<Json>> rows) {
  JsonArray all;
  for (const auto& row : rows)
    all.emplace_back(JsonArray(row));
  return all;
}

}  // namespace sinew::sim
