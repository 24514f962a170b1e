#include "sinew/wire/path.hpp"

#include <algorithm>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

using Escaped = PathRules::Escaped;

bool is_control(unsigned char code) noexcept { return code < 0x20 || code == 0x7f; }

// A path without an escape, a parameter, or a place where a dot segment or an empty one could be.
bool is_plain(std::string_view path) noexcept {
  char before = '\0';
  for (const char c : path) {
    if (!is(c, kPath) || c == '%' || c == ';') return false;
    if (before == '/' && (c == '/' || c == '.')) return false;
    before = c;
  }
  return true;
}

// "." or ".." with parameters behind.
bool is_disguised_dots(std::string_view segment) noexcept {
  const std::size_t dots = std::min(segment.find_first_not_of('.'), segment.size());
  if (dots != 1 && dots != 2) return false;
  const std::string_view rest = segment.substr(dots);
  return rest.starts_with(';') || rest.starts_with("%3B");
}

class Canonical {
 public:
  Canonical(const PathRules& rules, std::span<char> out) noexcept : rules_(rules), out_(out) {}

  // `encoded` stood between two slashes, or behind the `last` one.
  Fault segment(std::string_view encoded, bool last) noexcept {
    const std::size_t start = size_;
    put('/');
    if (const Fault fault = characters(encoded); fault != Fault::none) return fault;
    if (overflow_) return Fault::no_space;
    const std::string_view written = text().substr(start + 1);
    if (is_disguised_dots(written)) return Fault::bad_target;
    const bool dots = written == "." || written == "..";
    if (written == "..") {
      if (start == 0) return Fault::bad_target;
      size_ = text().substr(0, start).rfind('/');
    } else if (dots || (written.empty() && rules_.merge_slashes && !last)) {
      size_ = start;
    }
    if (dots && last) put('/');
    return Fault::none;
  }

  std::string_view text() const noexcept { return {out_.data(), size_}; }

 private:
  Fault characters(std::string_view encoded) noexcept {
    while (!encoded.empty()) {
      const char c = encoded.front();
      std::size_t length = 1;
      Fault fault = Fault::none;
      if (c == '%') {
        length = 3;
        fault = escape(encoded);
      } else {
        fault = character(c);
      }
      if (fault != Fault::none) return fault;
      encoded.remove_prefix(length);
    }
    return Fault::none;
  }

  Fault character(char c) noexcept {
    if (c == ';' && rules_.parameters == Escaped::refuse) return Fault::bad_target;
    if (is(c, kPath)) {
      put(c);
      return Fault::none;
    }
    const auto code = static_cast<unsigned char>(c);
    if (is_control(code) || c == '\\' || c == '?' || c == '#') return Fault::bad_target;
    put_escape(code);
    return Fault::none;
  }

  Fault escape(std::string_view encoded) noexcept {
    if (encoded.size() < 3 || !is(encoded[1], kHex) || !is(encoded[2], kHex)) {
      return Fault::bad_target;
    }
    const auto code =
        static_cast<unsigned char>(hex_value(encoded[1]) * 16 + hex_value(encoded[2]));
    const char c = static_cast<char>(code);
    if (is_control(code)) return Fault::bad_target;
    if ((c == '/' || c == '\\') && rules_.separators == Escaped::refuse) return Fault::bad_target;
    if (is(c, kUnreserved)) {
      put(c);
    } else {
      put_escape(code);
    }
    return Fault::none;
  }

  void put_escape(unsigned char code) noexcept {
    constexpr std::string_view kHexDigits = "0123456789ABCDEF";
    put('%');
    put(kHexDigits[code >> 4U]);
    put(kHexDigits[code & 15U]);
  }

  void put(char c) noexcept {
    overflow_ = overflow_ || size_ == out_.size();
    if (!overflow_) out_[size_++] = c;
  }

  const PathRules& rules_;
  std::span<char> out_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace

std::expected<CanonicalPath, Fault> canonical_path(std::string_view path, const PathRules& rules,
                                                   std::span<char> out) noexcept {
  if (path.empty()) return CanonicalPath{"/", true};
  if (path.front() != '/') return std::unexpected(Fault::bad_target);
  if (is_plain(path)) return CanonicalPath{path, false};
  Canonical canonical(rules, out);
  for (std::string_view rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const Fault fault = canonical.segment(rest.substr(0, end), end == rest.size());
    if (fault != Fault::none) return std::unexpected(fault);
    rest.remove_prefix(end);
  }
  if (canonical.text() == path) return CanonicalPath{path, false};
  return CanonicalPath{canonical.text(), true};
}

}  // namespace sinew::wire
