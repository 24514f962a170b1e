#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/store/database_decorator.hpp"

namespace sinew::store {

struct ViewIndex {
  std::string_view name;     // [a-z][a-z0-9_]*, at most 40 bytes, as a table's
  std::string_view columns;  // status, order_id
};

// One table of a view. Names of tables are no names of columns: statements of a rebuild are
// rewritten word by word. Foreign keys, triggers and SQL views on it are not carried over by a
// rebuild.
struct ViewTable {
  std::string_view name;     // [a-z][a-z0-9_]*, at most 40 bytes
  std::string_view columns;  // order_id TEXT NOT NULL, units BIGINT NOT NULL; types as in Migration
  std::string_view key;      // the columns of its primary key
  std::vector<ViewIndex> indexes = {};
};

// What is wrong with them: names, and what is missing. Empty when nothing is.
std::vector<std::string> problems_of(std::span<const ViewTable> tables);

// What the tables of a rebuild are called until they take the place of the live ones.
std::string shadow_name(std::string_view table, std::int64_t generation);

// Makes the tables and their indexes in `transaction`: those of `generation`, which do not exist
// yet, or, without one, under their own names where there are none.
Task<void> create_tables(Transaction& transaction, const Database& database,
                         std::span<const ViewTable> tables, std::optional<std::int64_t> generation);

// How apply()'s statements read for one generation of a view.
class ViewStatements {
 public:
  // Without `generation`: the live one, whose tables have their own names. `tables` outlives it.
  explicit ViewStatements(std::span<const ViewTable> tables,
                          std::optional<std::int64_t> generation = {});

  // The statement for this generation, its text in `text` unless it was a literal. Error
  // invalid_input when it writes a table that is not the view's, or does anything but read, insert,
  // update and delete.
  Statement of(const Statement& statement, std::string& text);

 private:
  void check(std::string_view sql) const;
  std::string rewritten(std::string_view sql) const;

  std::map<std::string, std::string, std::less<>> names_;  // by what statements call them
  bool live_;
  // By the address of a literal; as many as apply() has.
  std::map<const char*, std::string> known_;
};

// The transaction that apply() is given.
class ViewTransaction final : public TransactionDecorator {
 public:
  ViewTransaction(Transaction& inner, ViewStatements& statements)
      : TransactionDecorator(inner), statements_(statements) {}

 private:
  bool start(Execution& execution) override;

  ViewStatements& statements_;
  std::string text_;  // of the statement under way
};

}  // namespace sinew::store
