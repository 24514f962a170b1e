#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/wire/fault.hpp"

namespace sinew::wire {

// The path of a request as a router compares it: percent-decoded, "." and ".." segments resolved
// (also where they were encoded), repeated slashes merged; begins with "/". Faults: bad_target for
// a malformed escape, an encoded slash or backslash (what is a segment would depend on when one
// decodes), a control character, text that is not UTF-8, or a path that climbs above the root.
// An empty `path` (absolute form without one) is "/".
std::expected<std::string, Fault> normalize_path(std::string_view path);

// "%41" to "A". Faults: bad_target for a malformed escape, a control character, or text that is not
// UTF-8.
std::expected<std::string, Fault> percent_decode(std::string_view text);

// Escapes everything but RFC 3986's unreserved characters: fit for a path segment, a query's name
// or value.
std::string percent_encode(std::string_view text);

struct QueryParameter {
  std::string name;
  std::string value;

  friend bool operator==(const QueryParameter&, const QueryParameter&) = default;
};

inline constexpr std::size_t kMaxQueryParameters = 128;

// `a=1&b=x+y&c`, in order, names may repeat; "+" is a space (application/x-www-form-urlencoded).
// Faults: bad_query as percent_decode, for a parameter without a name, and for more than
// kMaxQueryParameters.
std::expected<std::vector<QueryParameter>, Fault> parse_query(std::string_view query);

// What a client needs of an http or https URL.
struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address without its brackets
  std::uint16_t port;  // the scheme's own where the URL names none
  std::string target;  // normalised path and query, origin form

  // The value of the Host field: brackets and a port other than the scheme's own put back.
  std::string authority() const;
};

// Faults: bad_url for anything but an absolute http or https URL with a host; user information and
// port 0 are refused, a fragment is dropped.
std::expected<Url, Fault> parse_url(std::string_view text);

}  // namespace sinew::wire
