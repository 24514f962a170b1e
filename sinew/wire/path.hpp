#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "sinew/wire/fault.hpp"

namespace sinew::wire {

struct PathRules {
  enum class Escaped : std::uint8_t { refuse, keep };

  // "//" becomes "/": most file servers and frameworks do not tell them apart.
  bool merge_slashes = true;
  // %2F and %5C: what is a segment depends on whether the reader decodes before it splits. Kept,
  // they stay escapes, never separators.
  Escaped separators = Escaped::refuse;
  // ";" in a segment. Servlet containers drop what follows it, others do not, so that a rule for
  // "/admin" need not hold for "/admin;x". Kept by default: it is an ordinary character elsewhere.
  Escaped parameters = Escaped::keep;
};

struct CanonicalPath {
  std::string_view text;  // of the input where it was canonical, else of the caller's span
  bool changed;
};

// The one form of a path on which routing and policy decide: still percent-encoded, so that it can
// be sent on as it is, and every path that names the same resource has the same one. In one pass,
// without allocation; canonical_path of its own result changes nothing.
//
// * escapes of unreserved characters are decoded (%41, %2e), the hexadecimal digits of all others
//   are capitals; nothing is decoded twice (%252e stays);
// * "." and ".." segments are resolved, after decoding;
// * characters a request line cannot contain but a configured path may (space, "é", "{") are
//   escaped, so that both meet in one form; text that is no UTF-8 stays in its escapes, overlong
//   forms of "/" and "." too (%C0%AF);
// * ";" and what follows it belong to their segment;
// * an empty path (absolute form without one) is "/".
//
// Refused with bad_target, which is answered 400: a path that does not begin with "/", a malformed
// escape (%zz, %u002f), an escaped control character (%00, %0d%0a, %7f), "?", "#", a control
// character or a backslash as it is, %2F and %5C unless kept, ";" unless kept, a "." or ".." with
// parameters ("/..;/", which containers resolve and others do not), and a path that climbs above
// the root.
//
// To forward: send `text`, not the target as it came. What was matched is then what the upstream
// resolves; Kong does the same for every `path_handling` (its router matches and forwards the
// normalised path). Where a route has to pass on the original bytes, they must still have come
// through here unrefused.
//
// `out` of `path.size() + 1` bytes is enough for a parsed request's path, of three times as many
// for any text; no_space if it is not.
std::expected<CanonicalPath, Fault> canonical_path(std::string_view path, const PathRules& rules,
                                                   std::span<char> out) noexcept;

}  // namespace sinew::wire
