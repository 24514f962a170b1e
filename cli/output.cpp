#include "cli/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "sinew/base/utf8.hpp"

namespace sinew::cli {
namespace {

constexpr std::size_t max_cell = 60;

std::string text_of(const Json* value) {
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return value->as_string();
  return to_text(*value);
}

std::string cell_of(const Json& row, const std::string& member, bool cut) {
  std::string text = text_of(row.find(member));
  std::ranges::replace(text, '\n', ' ');
  if (cut && count_characters(text) > max_cell) {
    text = std::string(first_characters(text, max_cell - 3)) + "...";
  }
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t length = count_characters(text);
  return text + std::string(width > length ? width - length : 0, ' ');
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += i + 1 == cells.size() ? cells[i] : padded(cells[i], widths[i]) + "  ";
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string table(const JsonArray& rows, const std::vector<Column>& columns, bool cut) {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns)
    lines[0].push_back(column.heading);
  for (const Json& row : rows) {
    auto& cells = lines.emplace_back();
    for (const Column& column : columns)
      cells.push_back(cell_of(row, column.member, cut));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& cells : lines) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], count_characters(cells[i]));
    }
  }
  std::string text;
  for (const auto& cells : lines)
    text += line_of(cells, widths);
  return text;
}

std::string sheet(const Json& object) {
  std::size_t width = 0;
  for (const auto& member : object.as_object().members())
    width = std::max(width, member.name.size());
  std::string text;
  for (const auto& member : object.as_object().members()) {
    text += padded(member.name, width) + "  " + text_of(&member.value) + '\n';
  }
  return text;
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void complain(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace sinew::cli
