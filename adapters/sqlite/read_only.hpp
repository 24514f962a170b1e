#pragma once

#include <memory>

#include "adapters/sqlite/database.hpp"

namespace sinew::sqlite {

// Somebody else's database, to look into: beside the process that has it open, or after that ended.
// Takes no lock, writes nothing, creates nothing; read() works on the last commit, everything else
// fails with unsupported. `settings`: path, vfs, files and cache_bytes count.
// Errors: not_found, unauthorized, corrupt, conflict (another program's file), unsupported (a newer
// format).
Task<std::unique_ptr<store::Database>> open_read_only(async::Runtime& runtime, Settings settings);

}  // namespace sinew::sqlite
