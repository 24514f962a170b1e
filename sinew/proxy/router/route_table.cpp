#include "sinew/proxy/router/route_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::proxy {
namespace {

constexpr std::uint64_t kAnyMethod = ~std::uint64_t{0};
constexpr std::uint64_t kUnknownMethod = std::uint64_t{1} << RouteTable::kMaxMethods;

bool contains(const std::vector<std::string>& texts, std::string_view text) noexcept {
  return std::ranges::find(texts, text) != texts.end();
}

}  // namespace

// Sorts every rule under its hosts and paths, then writes the sites one after the other.
class RouteTable::Builder {
 public:
  explicit Builder(RouteTable& table) : table_(table) {}

  void add(const RouteRule& rule, std::uint32_t rank) {
    Entry entry{rank, 0, rule.headers.empty() && rule.snis.empty(), methods_of(rule)};
    if (rule.hosts.empty()) return add_paths(any_host_, rule, entry);
    for (const auto& host : rule.hosts) {
      if (host.text.size() > kMaxHostLength) {
        throw Error(Condition::invalid_input,
                    fmt::format("a host of {} bytes; at most {} are allowed", host.text.size(),
                                kMaxHostLength));
      }
      entry.port = host.port;
      add_paths(of_kind(host.kind)[host.text], rule, entry);
    }
  }

  void finish() {
    table_.any_host_ = write(any_host_);
    write_all(exact_, table_.exact_);
    write_all(suffixes_, table_.suffixes_);
    write_all(prefixes_, table_.prefix_hosts_);
    for (const auto& [text, site] : table_.suffixes_)
      table_.suffix_lengths_.set(text.size());
    for (const auto& [text, site] : table_.prefix_hosts_)
      table_.prefix_lengths_.set(text.size());
  }

 private:
  using Paths = std::map<std::string_view, std::vector<Entry>>;  // views of the rules
  using Hosts = std::map<std::string_view, Paths>;

  Hosts& of_kind(RouteRule::HostKind kind) {
    switch (kind) {
      case RouteRule::HostKind::exact: return exact_;
      case RouteRule::HostKind::suffix: return suffixes_;
      case RouteRule::HostKind::prefix: return prefixes_;
    }
    return exact_;
  }

  std::uint64_t methods_of(const RouteRule& rule) {
    if (rule.methods.empty()) return kAnyMethod;
    std::uint64_t bits = 0;
    for (const auto& method : rule.methods) {
      if (!contains(table_.methods_, method)) table_.methods_.push_back(method);
      bits |= table_.method_bit(method);
    }
    if (table_.methods_.size() > kMaxMethods) {
      throw Error(Condition::invalid_input,
                  fmt::format("more than {} different methods", kMaxMethods));
    }
    return bits;
  }

  void add_paths(Paths& paths, const RouteRule& rule, const Entry& entry) {
    count_ += std::max<std::size_t>(1, rule.paths.size());
    if (count_ > kMaxEntries) {
      throw Error(Condition::invalid_input,
                  fmt::format("hosts times paths of all routes are more than {}", kMaxEntries));
    }
    if (rule.paths.empty()) paths[std::string_view()].push_back(entry);
    for (const auto& path : rule.paths)
      paths[path].push_back(entry);
  }

  void write_all(const Hosts& hosts, Sites& out) {
    out.reserve(hosts.size());
    for (const auto& [host, paths] : hosts)
      out.emplace(host, write(paths));
  }

  Site write(const Paths& paths) {
    auto& prefixes = table_.prefixes_;
    const auto begin = static_cast<std::uint32_t>(prefixes.size());
    auto parent = kNone;
    for (const auto& [text, entries] : paths) {
      while (parent != kNone && !text.starts_with(table_.text_of(prefixes[parent])))
        parent = prefixes[parent].parent;
      const auto first = static_cast<std::uint32_t>(table_.entries_.size());
      table_.entries_.insert(table_.entries_.end(), entries.begin(), entries.end());
      prefixes.push_back({static_cast<std::uint32_t>(table_.texts_.size()),
                          static_cast<std::uint32_t>(text.size()), parent, first,
                          static_cast<std::uint32_t>(table_.entries_.size())});
      table_.texts_ += text;
      parent = static_cast<std::uint32_t>(prefixes.size() - 1);
    }
    return {begin, static_cast<std::uint32_t>(prefixes.size())};
  }

  RouteTable& table_;
  std::size_t count_ = 0;
  Paths any_host_;
  Hosts exact_;
  Hosts suffixes_;
  Hosts prefixes_;
};

RouteTable::RouteTable(std::span<const RouteRule> rules) {
  Builder builder(*this);
  rules_.reserve(rules.size());
  for (const auto& rule : rules) {
    builder.add(rule, static_cast<std::uint32_t>(rules_.size()));
    rules_.push_back({rule.route, rule.headers, rule.snis});
  }
  builder.finish();
}

std::optional<RouteMatch> RouteTable::match(const RouteQuery& query) const noexcept {
  const auto method = method_bit(query.method);
  Best best;
  if (const auto site = exact_.find(query.host); site != exact_.end()) {
    look_at(site->second, query, method, best);
  }
  if (!suffixes_.empty() || !prefix_hosts_.empty()) look_at_wildcards(query, method, best);
  look_at(any_host_, query, method, best);
  if (best.rank == kNone) return std::nullopt;
  return RouteMatch{rules_[best.rank].route, best.prefix};
}

void RouteTable::look_at_wildcards(const RouteQuery& query, std::uint64_t method,
                                   Best& best) const noexcept {
  const auto host = query.host;
  if (host.size() > kMaxHostLength) return;
  for (auto dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    if (suffix_lengths_.test(host.size() - dot)) {
      const auto site = suffixes_.find(host.substr(dot));
      if (site != suffixes_.end()) look_at(site->second, query, method, best);
    }
    if (prefix_lengths_.test(dot + 1)) {
      const auto site = prefix_hosts_.find(host.substr(0, dot + 1));
      if (site != prefix_hosts_.end()) look_at(site->second, query, method, best);
    }
  }
}

void RouteTable::look_at(const Site& site, const RouteQuery& query, std::uint64_t method,
                         Best& best) const noexcept {
  const auto begin = prefixes_.begin() + site.prefixes_begin;
  const auto end = prefixes_.begin() + site.prefixes_end;
  const auto behind = std::upper_bound(
      begin, end, query.path,
      [this](std::string_view path, const Prefix& prefix) { return path < text_of(prefix); });
  auto at = behind == begin ? kNone : static_cast<std::uint32_t>(behind - prefixes_.begin() - 1);
  while (at != kNone && !query.path.starts_with(text_of(prefixes_[at])))
    at = prefixes_[at].parent;
  for (; at != kNone; at = prefixes_[at].parent)
    look_at_prefix(prefixes_[at], query, method, best);
}

void RouteTable::look_at_prefix(const Prefix& prefix, const RouteQuery& query, std::uint64_t method,
                                Best& best) const noexcept {
  for (auto i = prefix.entries_begin; i < prefix.entries_end; ++i) {
    const Entry& entry = entries_[i];
    // A rule that was found at a longer prefix, or at another host, keeps that one.
    if (entry.rank >= best.rank) return;
    if ((entry.methods & method) == 0) continue;
    if (entry.port != 0 && entry.port != query.port) continue;
    if (!entry.plain && !meets_rest(rules_[entry.rank], query)) continue;
    best = {entry.rank, prefix.text_size};
    return;
  }
}

bool RouteTable::meets_rest(const Rest& rest, const RouteQuery& query) const noexcept {
  if (!rest.snis.empty() && query.tls && !contains(rest.snis, query.sni)) return false;
  for (const auto& header : rest.headers) {
    const auto has = [&](const std::string& value) {
      return query.headers != nullptr && query.headers->has(header.name, value);
    };
    if (std::ranges::none_of(header.values, has)) return false;
  }
  return true;
}

std::string_view RouteTable::text_of(const Prefix& prefix) const noexcept {
  return std::string_view(texts_).substr(prefix.text_begin, prefix.text_size);
}

// One bit beyond the last for methods that no rule names.
std::uint64_t RouteTable::method_bit(std::string_view method) const noexcept {
  for (std::size_t i = 0; i < methods_.size() && i < kMaxMethods; ++i) {
    if (methods_[i] == method) return std::uint64_t{1} << i;
  }
  return kUnknownMethod;
}

}  // namespace sinew::proxy
