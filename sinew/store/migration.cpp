#include "sinew/store/migration.hpp"

#include "sinew/base/hash.hpp"

namespace sinew::store {
namespace {

bool word_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view spelled(std::string_view word, const ColumnTypes& types) {
  if (word == "BIGINT") return types.bigint;
  if (word == "TEXT") return types.text;
  if (word == "BYTES") return types.bytes;
  if (word == "IDENTITY") return types.identity;
  return word;
}

}  // namespace

std::string checksum(const Migration& migration) { return sha256_hex(migration.sql); }

std::string spell(std::string_view sql, const ColumnTypes& types) {
  std::string result;
  result.reserve(sql.size() + sql.size() / 4);
  std::size_t at = 0;
  while (at < sql.size()) {
    std::size_t end = at + 1;
    if (word_character(sql[at])) {
      while (end < sql.size() && word_character(sql[end]))
        ++end;
      result += spelled(sql.substr(at, end - at), types);
    } else {
      if (const char quote = sql[at]; quote == '\'' || quote == '"') {
        const std::size_t close = sql.find(quote, end);
        end = close == std::string_view::npos ? sql.size() : close + 1;
      }
      result += sql.substr(at, end - at);
    }
    at = end;
  }
  return result;
}

}  // namespace sinew::store
