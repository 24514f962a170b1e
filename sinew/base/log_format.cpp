#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "sinew/base/log_sink.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::log {
namespace {

constexpr std::string_view kCut = "...";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kMaxNameBytes = 64;

void append_escaped_byte(std::string& out, char byte) {
  switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(byte));
  } else {
    out += byte;
  }
}

void append_quoted(std::string& out, std::string_view text) {
  const auto kept = utf8_prefix(text, kMaxValueBytes);
  out += '"';
  for (std::size_t position = 0; position < kept.size();) {
    const auto size = utf8_character_at(kept, position);
    if (size == 1) {
      append_escaped_byte(out, kept[position]);
    } else {
      out += size == 0 ? kReplacement : kept.substr(position, size);
    }
    position += size == 0 ? 1 : size;
  }
  if (kept.size() < text.size()) out += kCut;
  out += '"';
}

bool plain(char byte) noexcept {
  return byte > ' ' && byte < 0x7F && byte != '"' && byte != '=' && byte != '\\';
}

bool needs_quotes(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxValueBytes) return true;
  for (const char byte : text) {
    if (!plain(byte)) return true;
  }
  return false;
}

void append_text(std::string& out, std::string_view text, Format format) {
  if (format == Format::json || needs_quotes(text)) {
    append_quoted(out, text);
  } else {
    out += text;
  }
}

void append_value(std::string& out, const Field::Value& value, Format format) {
  std::visit(
      [&]<class T>(const T& typed) {
        if constexpr (std::same_as<T, std::string_view>) {
          append_text(out, typed, format);
        } else if constexpr (std::same_as<T, double>) {
          // JSON has no word for infinity or NaN.
          if (std::isfinite(typed)) {
            fmt::format_to(std::back_inserter(out), "{}", typed);
          } else {
            append_text(out, fmt::format("{}", typed), format);
          }
        } else {
          fmt::format_to(std::back_inserter(out), "{}", typed);
        }
      },
      value);
}

// Names are constants of the code, but a hostile one must not break the line either.
void append_name(std::string& out, std::string_view name, Format format) {
  if (format == Format::json) out += '"';
  for (const char byte : name.substr(0, kMaxNameBytes))
    out += plain(byte) ? byte : '_';
  if (name == "time" || name == "level" || name == "message") out += '_';
  out += format == Format::json ? "\":" : "=";
}

}  // namespace

std::string format(const Event& event, Format format) {
  const bool json = format == Format::json;
  const std::string_view separator = json ? "," : " ";
  std::string line = json ? "{\"level\":" : "level=";
  append_text(line, to_string(event.level), format);
  line += json ? ",\"message\":" : " message=";
  append_text(line, event.message, format);
  std::string part;
  for (const auto& field : event.fields) {
    part = separator;
    append_name(part, field.name(), format);
    append_value(part, field.value(), format);
    if (line.size() + part.size() + 1 <= kMaxLineBytes) line += part;
  }
  if (json) line += '}';
  return line;
}

}  // namespace sinew::log
