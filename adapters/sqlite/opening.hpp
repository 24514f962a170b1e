#pragma once

#include <memory>

#include "adapters/sqlite/connection.hpp"
#include "adapters/sqlite/database.hpp"

namespace sinew::sqlite {

// The two connections of an open database. Writes and commits go through one, reads through the
// other, which sees the last commit and never waits for a writer.
struct Connections {
  std::unique_ptr<Connection> writer;
  std::unique_ptr<Connection> reader;
};

// Opens both, after making sure that the file is ours, whole and of this version, and creating what
// a new one needs. Blocks. Errors: see Database::open.
Connections open_connections(const Settings& settings, Files& files);

// Only the reader, of a file that exists and is ours; takes no lock. Blocks.
std::unique_ptr<Connection> open_reader(const Settings& settings, Files& files);

// With all connections closed, after a failed sync or a process that ended without a word and may
// have met one: writes the log anew, so that every byte that the next reader sees has reached the
// disk, and puts it in the old one's place. Blocks.
void rewrite_wal(const std::string& path, Files& files);

}  // namespace sinew::sqlite
