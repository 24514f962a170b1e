#include "tests/smuggling/corpus.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "sinew/wire/chars.hpp"

namespace sinew::smuggling {
namespace {

std::string escaped(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (code < 0x20 || code > 0x7e) {
      text += fmt::format("\\x{:02x}", code);
    } else {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
  }
  return text;
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file), in_(file) {
    if (!in_) throw std::runtime_error(file + " cannot be read");
  }

  std::vector<Case> read() {
    std::vector<Case> cases;
    std::string line;
    while (std::getline(in_, line)) {
      ++number_;
      if (line.empty() || line.front() == '#') continue;
      if (line.starts_with("case ")) {
        cases.emplace_back().name = line.substr(5);
        bytes_ = nullptr;
      } else if (cases.empty()) {
        fail("no case has begun");
      } else if (line.front() == ' ') {
        take_text(std::string_view(line).substr(line.find_first_not_of(' ')));
      } else {
        take_line(cases.back(), line);
      }
    }
    return cases;
  }

 private:
  void take_line(Case& example, const std::string& line) {
    if (line.starts_with("source ")) {
      example.source = line.substr(7);
    } else if (line.starts_with("request") || line.starts_with("answer ")) {
      example.direction = line;
      bytes_ = &example.bytes;
    } else {
      bytes_ = &example.verdict.emplace_back(line, "").bytes;
    }
  }

  // "text" or "c" * count
  void take_text(std::string_view text) {
    const std::size_t end = text.rfind('"');
    if (bytes_ == nullptr || !text.starts_with('"') || end == 0) fail("a quoted text is expected");
    const std::string decoded = unescaped(text.substr(1, end - 1));
    const std::string_view rest = text.substr(end + 1);
    const int count = rest.starts_with(" * ") ? std::stoi(std::string(rest.substr(3))) : 1;
    for (int i = 0; i < count; ++i)
      *bytes_ += decoded;
  }

  std::string unescaped(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\') {
        bytes += text[i];
        continue;
      }
      const char kind = ++i < text.size() ? text[i] : '\0';
      switch (kind) {
        case 'r': bytes += '\r'; break;
        case 'n': bytes += '\n'; break;
        case 't': bytes += '\t'; break;
        case '"':
        case '\\': bytes += kind; break;
        case 'x':
          if (text.size() - i < 3) fail("\\x takes two digits");
          bytes +=
              static_cast<char>(wire::hex_value(text[i + 1]) * 16 + wire::hex_value(text[i + 2]));
          i += 2;
          break;
        default: fail("an escape is unknown");
      }
    }
    return bytes;
  }

  [[noreturn]] void fail(std::string_view why) const {
    throw std::runtime_error(fmt::format("{}:{}: {}", file_, number_, why));
  }

  std::string file_;
  std::ifstream in_;
  int number_ = 0;
  std::string* bytes_ = nullptr;
};

}  // namespace

std::string to_text(const std::vector<Outcome>& verdict) {
  std::string text;
  for (const Outcome& outcome : verdict) {
    text += outcome.word + "\n";
    if (!outcome.bytes.empty()) text += "  \"" + escaped(outcome.bytes) + "\"\n";
  }
  return text;
}

std::vector<Case> read_corpus(const std::string& file) { return Reader(file).read(); }

}  // namespace sinew::smuggling
