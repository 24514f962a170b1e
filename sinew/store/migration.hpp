#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sinew::store {

// One step of a schema's history. Never changed once released: its checksum is stored, and a
// database that was migrated by another text refuses to start. Statements end in `;`. The column
// types are BIGINT, TEXT, BYTES and IDENTITY (a BIGINT primary key that the engine counts up and
// never uses twice); each engine spells them its own way.
struct Migration {
  int version;  // from 1, ascending by one
  std::string_view name;
  std::string_view sql;
};

// The history of one component of a schema: a Sinew module or a context's own tables.
struct MigrationSet {
  std::string_view component;  // such as sinew.store, sales
  std::span<const Migration> migrations;
};

// SHA-256 over the text, in hex: what is stored and compared.
std::string checksum(const Migration& migration);

// How an engine spells the column types of a migration.
struct ColumnTypes {
  std::string_view bigint;
  std::string_view text;
  std::string_view bytes;
  std::string_view identity;
};

// `sql` with each type, a word in capitals outside quotes, replaced by the engine's own.
std::string spell(std::string_view sql, const ColumnTypes& types);

}  // namespace sinew::store
