#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/store/database.hpp"

namespace sinew::sim {

// The rows of a query, each an array of its columns; bytes as hex.
Task<JsonArray> read_rows(store::Database& database, std::string_view sql);

Json rows_of(std::initializer_list<std::initializer_list<Json>> rows);

}  // namespace sinew::sim
