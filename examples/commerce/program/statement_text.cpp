#include "examples/commerce/program/statement_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "examples/commerce/books/value.hpp"
#include "sinew/base/utf8.hpp"

namespace commerce::program {
namespace {

constexpr std::size_t max_listed = 20;  // of each kind; -o json has them all

using books::difference;
using books::is_zero;
using books::to_text;

using Cells = std::vector<std::string>;

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::size_t length = sinew::count_characters(text);
  const std::string space(width > length ? width - length : 0, ' ');
  return left ? text + space : space + text;
}

// The first column to the left, the last as it is, numbers between them to the right.
std::string aligned(const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], sinew::count_characters(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : padded(row[i], widths[i], i == 0) + "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

bool has_exceptions(const std::vector<books::FigureLine>& figures) {
  return std::ranges::any_of(figures, [](const books::FigureLine& line) {
    return !is_zero(line.not_sent) || !is_zero(line.compensated);
  });
}

std::string contexts_of(const books::FigureLine& line) {
  std::string text;
  for (const auto& [context, value] : line.sources) {
    if (!text.empty()) text += ", ";
    text += context;
    if (!is_zero(difference(value, line.expected))) text += " (" + to_text(value) + ")";
  }
  return text;
}

// Deviations of the input from what is expected are columns only where there are any.
std::string figures_text(const std::vector<books::FigureLine>& figures) {
  const bool exceptions = has_exceptions(figures);
  std::vector<Cells> rows;
  rows.push_back({"figure"});
  if (exceptions)
    std::ranges::copy(Cells{"input", "refused", "undone"}, std::back_inserter(rows[0]));
  std::ranges::copy(Cells{"expected", "found", "difference", "", "found in"},
                    std::back_inserter(rows[0]));
  for (const auto& line : figures) {
    Cells& row = rows.emplace_back(Cells{line.name});
    if (exceptions) {
      row.push_back(to_text(line.published));
      row.push_back(is_zero(line.not_sent) ? "" : to_text(line.not_sent));
      row.push_back(is_zero(line.compensated) ? "" : to_text(line.compensated));
    }
    row.push_back(to_text(line.expected));
    row.push_back(to_text(line.found));
    row.push_back(to_text(difference(line.found, line.expected)));
    row.push_back(line.balanced() ? "ok" : "OFF");
    row.push_back(contexts_of(line));
  }
  return aligned(rows);
}

std::string laws_text(const std::vector<books::Law>& laws) {
  std::vector<Cells> rows;
  for (const auto& law : laws) {
    std::string sides;
    for (const auto& [name, value] : law.sides)
      sides += fmt::format("{}{} {}", sides.empty() ? "" : ", ", name, to_text(value));
    rows.push_back({law.name, law.holds ? "ok" : "OFF", sides});
  }
  return aligned(rows);
}

// A heading and the first lines of a list; nothing for an empty one.
template <class Item, class Line>
std::string listed(std::string_view heading, const std::vector<Item>& items, Line line_of) {
  if (items.empty()) return {};
  std::string text = fmt::format("\n{}\n", heading);
  for (std::size_t i = 0; i < std::min(items.size(), max_listed); ++i)
    text += "  " + line_of(items[i]) + '\n';
  if (items.size() > max_listed) {
    text += fmt::format("  ... and {} more (-o json has them all)\n", items.size() - max_listed);
  }
  return text;
}

std::string disagreement_text(const books::Disagreement& disagreement) {
  std::string values;
  for (const auto& [context, value] : disagreement.values)
    values += fmt::format("{}{} {}", values.empty() ? "" : ", ", context, value);
  return fmt::format("{}: {}: {} -> {}", disagreement.place, disagreement.member, values,
                     fmt::join(disagreement.off, " or "));
}

std::string refusal_text(const reporting::Refusal& refusal) {
  return fmt::format("{}: {}{}", refusal.place, refusal.reason,
                     refusal.order_id.empty() ? "" : fmt::format(" (order {})", refusal.order_id));
}

}  // namespace

std::string statement_text(const books::Statement& statement) {
  std::string text;
  if (!statement.figures.empty()) text += figures_text(statement.figures) + '\n';
  text += laws_text(statement.laws);
  text += listed("refused, not part of the books:", statement.refused, refusal_text);
  text += listed("undone, and so no part of the books: orders", statement.compensated,
                 [](const std::string& order) { return order; });
  text += listed("rows that cannot be:", statement.problems, [](const auto& entry) {
    return fmt::format("{}: {}: {}", entry.context, entry.problem.place, entry.problem.what);
  });
  text += listed("contexts that do not say the same:", statement.disagreements, disagreement_text);
  text += listed(
      "waiting for an operator (`sinew dlq list`, `sinew saga list`, `sinew projection list`):",
      statement.open_work, [](const books::OpenWork& work) {
        return fmt::format("{}: {} parked messages, {} stuck sagas, {} stalled views", work.context,
                           work.parked, work.stuck_sagas, work.stalled_views);
      });
  if (statement.balanced()) return text + "\nThe books balance.\n";
  return text + fmt::format("\nThe books do NOT balance: look at {}.\n",
                            fmt::join(statement.suspects(), ", "));
}

}  // namespace commerce::program
