#include "sinew/store/projection_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <set>

#include "sinew/base/error.hpp"

namespace sinew::store {
namespace {

bool word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The pieces of a statement in their order: words, quoted texts and single other characters.
class Pieces {
 public:
  explicit Pieces(std::string_view sql) : rest_(sql) {}

  std::string_view next() {
    if (rest_.empty()) return {};
    std::size_t end = 1;
    if (word_character(rest_.front())) {
      while (end < rest_.size() && word_character(rest_[end]))
        ++end;
    } else if (const char quote = rest_.front(); quote == '\'' || quote == '"') {
      const std::size_t close = rest_.find(quote, 1);
      end = close == std::string_view::npos ? rest_.size() : close + 1;
    }
    const std::string_view piece = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return piece;
  }

  std::string_view next_word() {
    std::string_view piece = next();
    while (!piece.empty() && !word_character(piece.front()))
      piece = next();
    return piece;
  }

 private:
  std::string_view rest_;
};

bool is_word(std::string_view piece, std::string_view upper) {
  return std::ranges::equal(piece, upper, [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

bool is_write(std::string_view word) {
  return is_word(word, "INSERT") || is_word(word, "UPDATE") || is_word(word, "DELETE");
}

// The table that a statement writes; nothing when it only reads. Error for other statements.
std::optional<std::string_view> target_of(std::string_view sql) {
  Pieces pieces(sql);
  const std::string_view verb = pieces.next_word();
  if (is_word(verb, "UPDATE")) return pieces.next_word();
  if (is_word(verb, "INSERT") || is_word(verb, "DELETE")) {
    pieces.next_word();  // INTO, FROM
    return pieces.next_word();
  }
  bool reads = is_word(verb, "SELECT") || is_word(verb, "WITH");
  for (auto word = pieces.next_word(); is_word(verb, "WITH") && !word.empty();
       word = pieces.next_word())
    reads = reads && !is_write(word);
  if (reads) return std::nullopt;
  throw Error(Condition::invalid_input,
              fmt::format("a projection reads, inserts, updates and deletes; not: {}", sql));
}

// PostgreSQL has names of at most 63 bytes; a generation's number is added.
constexpr std::size_t longest_name = 40;

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name || name[0] < 'a' || name[0] > 'z') return false;
  return std::ranges::all_of(name,
                             [](char c) { return word_character(c) && !(c >= 'A' && c <= 'Z'); });
}

bool has_word(std::string_view text, std::string_view word) {
  Pieces pieces(text);
  for (auto piece = pieces.next_word(); !piece.empty(); piece = pieces.next_word()) {
    if (piece == word) return true;
  }
  return false;
}

void check_name(std::string_view name, std::set<std::string_view>& seen,
                std::vector<std::string>& problems) {
  if (!is_name(name)) {
    problems.push_back(
        fmt::format("\"{}\" cannot name a table or an index: [a-z][a-z0-9_]*, at most {} bytes",
                    name, longest_name));
  }
  if (!seen.insert(name).second) {
    problems.push_back(fmt::format("{} names two tables or indexes", name));
  }
}

}  // namespace

std::vector<std::string> problems_of(std::span<const ViewTable> tables) {
  std::vector<std::string> problems;
  std::set<std::string_view> seen;
  for (const ViewTable& table : tables) {
    check_name(table.name, seen, problems);
    if (table.columns.empty() || table.key.empty()) {
      problems.push_back(fmt::format("the table {} has no columns or no key", table.name));
    }
    for (const ViewIndex& index : table.indexes)
      check_name(index.name, seen, problems);
    for (const ViewTable& other : tables) {
      if (!has_word(other.columns, table.name)) continue;
      problems.push_back(
          fmt::format("{} names a table and a column of the table {}", table.name, other.name));
    }
  }
  return problems;
}

std::string shadow_name(std::string_view table, std::int64_t generation) {
  return fmt::format("{}_r{}", table, generation);
}

Task<void> create_tables(Transaction& transaction, const Database& database,
                         std::span<const ViewTable> tables,
                         std::optional<std::int64_t> generation) {
  const std::string_view where = generation ? "" : "IF NOT EXISTS ";
  const auto named = [generation](std::string_view name) {
    return generation ? shadow_name(name, *generation) : std::string(name);
  };
  for (const ViewTable& table : tables) {
    std::string sql = fmt::format("CREATE TABLE {}{} ({}, PRIMARY KEY ({}));", where,
                                  named(table.name), table.columns, table.key);
    for (const ViewIndex& index : table.indexes) {
      sql += fmt::format("CREATE INDEX {}{} ON {} ({});", where, named(index.name),
                         named(table.name), index.columns);
    }
    for (const std::string& statement : database.schema_statements(sql))
      co_await transaction.execute(Statement::dynamic(statement));
  }
}

ViewStatements::ViewStatements(std::span<const ViewTable> tables,
                               std::optional<std::int64_t> generation)
    : live_(!generation) {
  for (const ViewTable& table : tables) {
    names_.emplace(table.name,
                   live_ ? std::string(table.name) : shadow_name(table.name, *generation));
  }
}

void ViewStatements::check(std::string_view sql) const {
  const auto target = target_of(sql);
  if (!target || names_.contains(*target)) return;
  throw Error(Condition::invalid_input,
              fmt::format("the projection writes {}, which is none of its tables: a rebuild would "
                          "write it once more",
                          *target));
}

std::string ViewStatements::rewritten(std::string_view sql) const {
  std::string text;
  text.reserve(sql.size() + 16);
  Pieces pieces(sql);
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
    const auto name = names_.find(piece);
    text += name == names_.end() ? piece : std::string_view(name->second);
  }
  return text;
}

Statement ViewStatements::of(const Statement& statement, std::string& text) {
  if (names_.empty()) return statement;
  if (!statement.cached()) {
    check(statement.text());
    text = rewritten(statement.text());
    return Statement::dynamic(text);
  }
  auto known = known_.find(statement.text().data());
  if (known == known_.end()) {
    check(statement.text());
    known = known_.emplace(statement.text().data(), rewritten(statement.text())).first;
  }
  return live_ ? statement : Statement::dynamic(known->second);
}

bool ViewTransaction::start(Execution& execution) {
  try {
    execution.restate(statements_.of(execution.statement(), text_));
  } catch (...) {
    execution.fail(std::current_exception());
    return true;
  }
  return start_inner(execution);
}

}  // namespace sinew::store
