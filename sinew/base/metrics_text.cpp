#include "sinew/base/metrics_text.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "sinew/base/utf8.hpp"

namespace sinew::metrics {
namespace {

enum class Quotes { plain, escaped };

// HELP escapes backslash and line feed, a label's value the quote as well. The format is UTF-8:
// other bytes become U+FFFD.
void append_escaped(std::string& out, std::string_view text, Quotes quotes) {
  for (std::size_t position = 0; position < text.size();) {
    const auto size = utf8_character_at(text, position);
    const char byte = text[position];
    if (size == 0) {
      out += "\xEF\xBF\xBD";
    } else if (byte == '\\') {
      out += "\\\\";
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '"' && quotes == Quotes::escaped) {
      out += "\\\"";
    } else {
      out += text.substr(position, size);
    }
    position += size == 0 ? 1 : size;
  }
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// `le` is the bucket's label, written last; empty for all other lines.
void append_line(std::string& out, std::string_view name, std::string_view suffix, Labels labels,
                 std::string_view le, std::string_view value) {
  out += name;
  out += suffix;
  char separator = '{';
  const auto append_label = [&](std::string_view label, std::string_view text) {
    out += separator;
    out += label;
    out += "=\"";
    append_escaped(out, text, Quotes::escaped);
    out += '"';
    separator = ',';
  };
  for (std::size_t i = 0; i < labels.names.size(); ++i) {
    append_label(labels.names[i], labels.values[i]);
  }
  if (!le.empty()) append_label("le", le);
  if (separator == ',') out += '}';
  out += ' ';
  out += value;
  out += '\n';
}

}  // namespace

void append_header(std::string& out, std::string_view name, std::string_view help,
                   std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP {} ", name);
  append_escaped(out, help, Quotes::plain);
  fmt::format_to(std::back_inserter(out), "\n# TYPE {} {}\n", name, type);
}

void append_series(std::string& out, std::string_view name, Labels labels, const Counter& counter) {
  append_line(out, name, "", labels, "", fmt::to_string(counter.value()));
}

void append_series(std::string& out, std::string_view name, Labels labels, const Gauge& gauge) {
  append_line(out, name, "", labels, "", number(gauge.value()));
}

// The count is summed from the buckets just written, so that both always agree.
void append_series(std::string& out, std::string_view name, Labels labels,
                   const Histogram& histogram) {
  std::uint64_t below = 0;
  const auto& bounds = histogram.bounds();
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    below += histogram.in_bucket(i);
    append_line(out, name, "_bucket", labels, number(bounds[i]), fmt::to_string(below));
  }
  below += histogram.in_bucket(bounds.size());
  append_line(out, name, "_bucket", labels, "+Inf", fmt::to_string(below));
  append_line(out, name, "_sum", labels, "", number(histogram.sum()));
  append_line(out, name, "_count", labels, "", fmt::to_string(below));
}

}  // namespace sinew::metrics
