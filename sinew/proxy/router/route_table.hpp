#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// Which route a request takes. The front ends differ in what goes before what (Kong by weights,
// Istio by order), so they bring their rules in order of precedence, and the table answers the
// first that matches; it only finds it without trying one after the other.
namespace sinew::proxy {

// Which requests a route takes: every criterion that is given must be met, one of each list.
struct RouteRule {
  enum class HostKind : std::uint8_t { exact, suffix, prefix };
  struct Host {
    std::string text{};  // lower case: example.com; .example.com of a suffix; example. of a prefix
    HostKind kind = HostKind::exact;
    std::uint16_t port = 0;  // 0: any
  };
  struct Header {
    std::string name{};  // lower case
    std::vector<std::string> values{};
  };

  std::vector<Host> hosts{};
  std::vector<std::string> paths{};  // prefixes, compared byte by byte
  std::vector<std::string> methods{};
  std::vector<Header> headers{};    // each must be met
  std::vector<std::string> snis{};  // lower case; only asked of requests over TLS
  std::uint32_t route = 0;          // what a match answers; several rules may have the same
};

// The header of a request as rules ask for it.
class RequestHeaders {
 public:
  // Whether a field of this name (lower case) has this value (without regard to case).
  virtual bool has(std::string_view name, std::string_view value) const noexcept = 0;

 protected:
  ~RequestHeaders() = default;
};

// What is asked of a request. Texts are compared as they are: host and SNI in lower case.
struct RouteQuery {
  std::string_view method{};
  std::string_view host{};  // without port; empty: only rules without hosts match
  std::uint16_t port = 0;   // that of the Host field, or else the scheme's
  std::string_view path{};  // in the form of wire::canonical_path(), without query
  bool tls = false;
  std::string_view sni{};                   // empty: the handshake had none
  const RequestHeaders* headers = nullptr;  // none: no rule with headers matches
};

struct RouteMatch {
  std::uint32_t route = 0;
  // Bytes of the path that the rule's longest matching prefix has; 0: it has no paths.
  std::uint32_t prefix = 0;

  friend bool operator==(const RouteMatch&, const RouteMatch&) = default;
};

// Immutable after its construction, so it may be read from any thread; match() neither allocates
// nor locks nor throws. Its cost is that of a lookup by host and one by path (a binary search over
// the distinct prefixes of the host), plus the rules of one host and prefix that differ in method,
// header or SNI only: these are tried one after the other.
class RouteTable {
 public:
  static constexpr std::size_t kMaxMethods = 63;         // different ones in all rules
  static constexpr std::size_t kMaxEntries = 1'000'000;  // hosts times paths, of all rules
  static constexpr std::size_t kMaxHostLength = 255;

  RouteTable() = default;
  // Rules in order of precedence. Throws Error invalid_input beyond the bounds above.
  explicit RouteTable(std::span<const RouteRule> rules);

  std::optional<RouteMatch> match(const RouteQuery& query) const noexcept;

  std::size_t size() const noexcept { return rules_.size(); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // A rule as an entry asks it: the rest of its criteria.
  struct Rest {
    std::uint32_t route;
    std::vector<RouteRule::Header> headers;
    std::vector<std::string> snis;
  };
  // A rule at one of its hosts and one of its paths.
  struct Entry {
    std::uint32_t rank;  // index into rules_; lower goes first
    std::uint16_t port;
    bool plain;             // no header, no SNI
    std::uint64_t methods;  // a bit each; all: any
  };
  // A distinct path prefix of a site. The prefixes of a site stand in byte order, so that those
  // which a path begins with are the ancestors of the last one not behind it.
  struct Prefix {
    std::uint32_t text_begin;
    std::uint32_t text_size;
    std::uint32_t parent;  // the longest other prefix that it begins with, or kNone
    std::uint32_t entries_begin;
    std::uint32_t entries_end;
  };
  // The rules for one host pattern.
  struct Site {
    std::uint32_t prefixes_begin = 0;
    std::uint32_t prefixes_end = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  using Sites = std::unordered_map<std::string, Site, TextHash, std::equal_to<>>;
  struct Best {
    std::uint32_t rank = kNone;
    std::uint32_t prefix = 0;
  };
  class Builder;

  std::string_view text_of(const Prefix& prefix) const noexcept;
  std::uint64_t method_bit(std::string_view method) const noexcept;
  bool meets_rest(const Rest& rest, const RouteQuery& query) const noexcept;
  void look_at(const Site& site, const RouteQuery& query, std::uint64_t method,
               Best& best) const noexcept;
  void look_at_prefix(const Prefix& prefix, const RouteQuery& query, std::uint64_t method,
                      Best& best) const noexcept;
  void look_at_wildcards(const RouteQuery& query, std::uint64_t method, Best& best) const noexcept;

  std::vector<Rest> rules_;
  std::vector<std::string> methods_;
  std::string texts_;
  std::vector<Prefix> prefixes_;
  std::vector<Entry> entries_;
  Sites exact_;
  Sites suffixes_;
  Sites prefix_hosts_;
  // Of which lengths there are wildcards: a long host with many dots costs few lookups.
  std::bitset<kMaxHostLength + 1> suffix_lengths_;
  std::bitset<kMaxHostLength + 1> prefix_lengths_;
  Site any_host_;
};

}  // namespace sinew::proxy
