#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "examples/commerce/books/audit.hpp"
#include "sinew/async/task.hpp"
#include "sinew/store/transaction.hpp"

// Business tables end in a column `seal`: SHA-256 over the row's other columns, written with them.
// It shows a row that was changed behind its context's back.
namespace commerce::books {

// The columns of one row, in the table's order, with their seal behind: the parameters of an
// insert. What the columns refer to lives as long as this does.
class SealedRow {
 public:
  SealedRow(std::initializer_list<sinew::store::Parameter> columns);
  SealedRow(const SealedRow&) = delete;
  SealedRow& operator=(const SealedRow&) = delete;

  operator std::span<const sinew::store::Parameter>() const { return columns_; }  // NOLINT

 private:
  std::string seal_;
  std::vector<sinew::store::Parameter> columns_;
};

// Whether the last column is the seal of those before it.
bool is_sealed(const sinew::store::Row& row);

// The same; a broken one is reported under its table and key. Such a row is not read any further.
bool check_seal(const sinew::store::Row& row, std::string_view table,
                std::vector<Problem>& problems);

constexpr std::int64_t rows_a_page = 1000;

// Before or at all keys of their kind.
inline const sinew::store::Value first_text{std::string()};
inline const sinew::store::Value first_integer{std::numeric_limits<std::int64_t>::min()};

// Calls `each` with every row of a statement that ends in `WHERE key >= ? ORDER BY key LIMIT ?` and
// has the key, unique, as first column. `first` is first_text or first_integer.
template <class Each>
sinew::Task<void> for_each_row(sinew::store::Transaction& tx, sinew::store::Statement statement,
                               sinew::store::Value first, Each each) {
  bool seen = false;  // the row with the key `first`
  for (;;) {
    const auto rows = co_await tx.execute(statement, {first, rows_a_page});
    for (std::size_t i = seen ? 1 : 0; i < rows.size(); ++i)
      each(rows[i]);
    if (rows.size() < static_cast<std::size_t>(rows_a_page)) co_return;
    first = rows[rows.size() - 1].value(0);
    seen = true;
  }
}

}  // namespace commerce::books
