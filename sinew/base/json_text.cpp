#include <fmt/format.h>

#include <iterator>

#include "sinew/base/json.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew {
namespace {

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const Json& value) {
    switch (value.kind()) {
      case JsonKind::null: out_ += "null"; break;
      case JsonKind::boolean: out_ += value.as_bool() ? "true" : "false"; break;
      case JsonKind::integer:
        fmt::format_to(std::back_inserter(out_), "{}", value.as_integer());
        break;
      case JsonKind::number: write_number(value.as_number()); break;
      case JsonKind::string: write_string(value.as_string()); break;
      case JsonKind::array: write_array(value.as_array()); break;
      case JsonKind::object: write_object(value.as_object()); break;
    }
  }

  std::string take() && { return std::move(out_); }

 private:
  // The shortest text that reads back as the same double, and not as an integer.
  void write_number(double value) {
    const std::size_t start = out_.size();
    fmt::format_to(std::back_inserter(out_), "{}", value);
    if (out_.find_first_of(".e", start) == std::string::npos) out_ += ".0";
  }

  void write_string(std::string_view text) {
    out_ += '"';
    while (!text.empty()) {
      const std::size_t length = utf8_character_at(text, 0);
      if (length == 1) {
        write_ascii(text.front());
      } else {
        out_ += length == 0 ? "\xef\xbf\xbd" : text.substr(0, length);
      }
      text.remove_prefix(length == 0 ? 1 : length);
    }
    out_ += '"';
  }

  void write_ascii(char c) {
    switch (c) {
      case '"': out_ += "\\\""; return;
      case '\\': out_ += "\\\\"; return;
      case '\n': out_ += "\\n"; return;
      case '\r': out_ += "\\r"; return;
      case '\t': out_ += "\\t"; return;
      default: break;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out_ += c;
    }
  }

  void write_array(const JsonArray& array) {
    out_ += '[';
    ++level_;
    for (std::size_t i = 0; i < array.size(); ++i) {
      separate(i == 0);
      write(array[i]);
    }
    close(array.empty(), ']');
  }

  void write_object(const JsonObject& object) {
    out_ += '{';
    ++level_;
    for (bool first = true; const JsonMember& member : object.members()) {
      separate(first);
      first = false;
      write_string(member.name);
      out_ += pretty_ ? ": " : ":";
      write(member.value);
    }
    close(object.empty(), '}');
  }

  void separate(bool first) {
    if (!first) out_ += ',';
    break_line();
  }

  void close(bool empty, char bracket) {
    --level_;
    if (!empty) break_line();
    out_ += bracket;
  }

  void break_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * level_, ' ');
  }

  bool pretty_;
  std::size_t level_ = 0;
  std::string out_;
};

}  // namespace

std::string to_text(const Json& value) {
  Writer writer(false);
  writer.write(value);
  return std::move(writer).take();
}

std::string to_pretty_text(const Json& value) {
  Writer writer(true);
  writer.write(value);
  return std::move(writer).take() + "\n";
}

}  // namespace sinew
