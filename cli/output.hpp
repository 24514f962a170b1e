#pragma once

#include <string>
#include <vector>

#include "sinew/base/json.hpp"

namespace sinew::cli {

enum class Format { table, json };

// A member of a row and the heading over its column.
struct Column {
  std::string member;
  std::string heading;
};

// Rows, objects of which the columns name members, as an aligned table; long cells are cut to
// `max_cell` characters when `cut` is set.
std::string table(const JsonArray& rows, const std::vector<Column>& columns, bool cut);

// An object as aligned `name  value` lines, nested values as JSON.
std::string sheet(const Json& object);

// Writes to standard output. Ends the process's wish to write when the reader is gone.
void print(std::string_view text);
// Writes to standard error.
void complain(std::string_view text);

}  // namespace sinew::cli
