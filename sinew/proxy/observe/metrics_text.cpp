#include "sinew/proxy/observe/metrics_text.hpp"

#include <array>
#include <charconv>

namespace sinew::proxy {
namespace {

// Backslash, double quote and line end are escaped ("Exposition formats").
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '"') {
      out += "\\\"";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

template <typename Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

MetricsText& MetricsText::counter(std::string_view name, std::string_view help) {
  return family(name, help, "counter");
}
MetricsText& MetricsText::gauge(std::string_view name, std::string_view help) {
  return family(name, help, "gauge");
}
MetricsText& MetricsText::histogram(std::string_view name, std::string_view help) {
  return family(name, help, "histogram");
}

MetricsText& MetricsText::sample(Labels labels, double value) { return part("", labels, value); }
MetricsText& MetricsText::sample(Labels labels, std::uint64_t value) {
  return part("", labels, value);
}

MetricsText& MetricsText::part(std::string_view suffix, Labels labels, double value) {
  begin(suffix, labels);
  append_number(out_, value);
  out_ += '\n';
  return *this;
}
MetricsText& MetricsText::part(std::string_view suffix, Labels labels, std::uint64_t value) {
  begin(suffix, labels);
  append_number(out_, value);
  out_ += '\n';
  return *this;
}

MetricsText& MetricsText::family(std::string_view name, std::string_view help,
                                 std::string_view type) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ").append(help);
  out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  return *this;
}

void MetricsText::begin(std::string_view suffix, Labels labels) {
  out_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, value] : labels) {
    out_ += before;
    before = ',';
    out_.append(name).append("=\"");
    append_escaped(out_, value);
    out_ += '"';
  }
  out_ += labels.size() == 0 ? " " : "} ";
}

}  // namespace sinew::proxy
