#include "examples/commerce/books/row_seal.hpp"

#include <fmt/format.h>

#include <variant>

#include "sinew/base/hash.hpp"

namespace commerce::books {
namespace {

using sinew::store::Parameter;

// Kind and length before each column, so that no two rows have one text.
void add(std::string& text, char kind, std::string_view content) {
  text += fmt::format("{}{}:", kind, content.size());
  text += content;
}

std::string text_of(std::span<const Parameter> columns) {
  std::string text;
  for (const Parameter& column : columns) {
    const auto& value = column.value();
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      add(text, 'i', std::to_string(*number));
    } else if (const auto* words = std::get_if<std::string_view>(&value)) {
      add(text, 't', *words);
    } else if (const auto* bytes = std::get_if<Parameter::Bytes>(&value)) {
      add(text, 'b', {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    } else {
      add(text, 'n', "");
    }
  }
  return text;
}

}  // namespace

SealedRow::SealedRow(std::initializer_list<Parameter> columns)
    : seal_(sinew::sha256_hex(text_of({columns.begin(), columns.size()}))), columns_(columns) {
  columns_.emplace_back(seal_);
}

bool is_sealed(const sinew::store::Row& row) {
  std::vector<Parameter> columns;
  for (std::size_t i = 0; i + 1 < row.size(); ++i)
    columns.emplace_back(row.value(i));
  const auto* seal = std::get_if<std::string>(&row.value(row.size() - 1));
  return seal != nullptr && *seal == sinew::sha256_hex(text_of(columns));
}

bool check_seal(const sinew::store::Row& row, std::string_view table,
                std::vector<Problem>& problems) {
  if (is_sealed(row)) return true;
  const auto& key = row.value(0);
  const auto* text = std::get_if<std::string>(&key);
  const auto* number = std::get_if<std::int64_t>(&key);
  const std::string name = text ? *text : number ? std::to_string(*number) : "?";
  problems.push_back({fmt::format("{} {}", table, name),
                      "the row was changed by another hand: it does not fit its seal"});
  return false;
}

}  // namespace commerce::books
