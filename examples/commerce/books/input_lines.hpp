#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "examples/commerce/books/audit.hpp"
#include "sinew/async/task.hpp"
#include "sinew/exchange/csv.hpp"
#include "sinew/exchange/drop_folder.hpp"
#include "sinew/store/transaction.hpp"

namespace commerce::books {

// One line of a dropped file, its fields by column. The accessors throw Error invalid_input that
// says column, value and what was expected.
class InputLine {
 public:
  InputLine(const sinew::exchange::CsvReader& reader, std::string file,
            sinew::exchange::CsvRecord record);

  // receipts.csv:12
  const std::string& place() const noexcept { return place_; }

  // Up to `longest` bytes; empty stands for none.
  std::string optional_text(std::string_view column, std::size_t longest = 200) const;
  std::string text(std::string_view column, std::size_t longest = 200) const;
  std::int64_t integer(std::string_view column, std::int64_t least, std::int64_t most) const;

 private:
  const std::string& field(std::string_view column) const;

  const sinew::exchange::CsvReader& reader_;
  sinew::exchange::CsvRecord record_;
  std::string place_;
};

using TakeLine = std::function<sinew::Task<void>(sinew::store::Transaction&, const InputLine&)>;

// Takes the lines of a file in one transaction. A line that is no CSV, or that `take` refuses by
// Error invalid_input before it wrote anything, goes to the context's table refused_lines with the
// reason; the others go on. A file without one of the `columns` is refused as a whole.
sinew::Task<void> take_lines(sinew::exchange::DroppedFile& file,
                             std::initializer_list<std::string_view> columns, TakeLine take);

// The rows of refused_lines.
sinew::Task<void> read_refused_lines(sinew::store::Transaction& tx, ContextAudit& audit);

}  // namespace commerce::books
