#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/migration.hpp"

namespace sinew::sqlite {

// The statements of a migration in SQLite's words. Tables become STRICT, so that a value of the
// wrong type is refused here as it is by PostgreSQL.
std::vector<std::string> statements_of(const store::Migration& migration);

// Database::migrate. `path` is for the error texts.
Task<void> apply_migrations(store::Database& database, store::MigrationSet set,
                            async::Runtime& runtime, std::string path);

// Whether the database holds tables of this component.
Task<bool> has_component(store::Transaction& transaction, std::string component);

}  // namespace sinew::sqlite
