#include "sinew/gateway/route_rules.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace sinew::gateway {
namespace {

using proxy::RouteRule;

// A rule and where it stands; sorted ascending, what goes first is smallest.
struct Ranked {
  std::tuple<int, int, int, std::ptrdiff_t, std::int64_t, std::size_t> precedence;
  RouteRule rule;
};

RouteRule::Host host_of(const HostPattern& pattern) {
  using Kind = RouteRule::HostKind;
  std::string_view text = pattern.text;
  RouteRule::Host host;
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    const auto port = config::parse_unsigned(text.substr(colon + 1));
    host.port = static_cast<std::uint16_t>(port.value_or(0));
    text = text.substr(0, colon);
  }
  if (text.starts_with('*')) {
    host.kind = Kind::suffix;
    text.remove_prefix(1);
  } else if (text.ends_with('*')) {
    host.kind = Kind::prefix;
    text.remove_suffix(1);
  }
  host.text = text;
  return host;
}

RouteRule frame_of(const Route& route, std::size_t index) {
  RouteRule rule;
  rule.route = static_cast<std::uint32_t>(index);
  for (const auto& host : route.hosts)
    rule.hosts.push_back(host_of(host));
  for (const auto& method : route.methods)
    rule.methods.push_back(method.text);
  for (const auto& [name, values] : route.headers) {
    auto& header = rule.headers.emplace_back();
    header.name = name;
    for (const auto& value : values)
      header.values.push_back(value.text);
  }
  for (const auto& sni : route.snis)
    rule.snis.push_back(sni.text);
  return rule;
}

Ranked rank(const Route& route, RouteRule rule) {
  constexpr std::size_t kMostHeaders = 255;  // Kong counts no further
  const int kinds = static_cast<int>(!rule.methods.empty()) +
                    static_cast<int>(!rule.hosts.empty()) +
                    static_cast<int>(!rule.headers.empty()) +
                    static_cast<int>(!rule.paths.empty()) + static_cast<int>(!rule.snis.empty());
  const auto exact = [](const auto& host) { return host.kind == RouteRule::HostKind::exact; };
  const bool plain = !rule.hosts.empty() && std::ranges::all_of(rule.hosts, exact);
  const auto headers = static_cast<int>(std::min(rule.headers.size(), kMostHeaders));
  const auto length = rule.paths.empty() ? 0 : std::ssize(rule.paths.front());
  const std::size_t place = rule.route;
  return {{-kinds, plain ? 0 : 1, -headers, -length, route.created_at, place}, std::move(rule)};
}

}  // namespace

std::vector<RouteRule> route_rules(const Configuration& configuration) {
  std::vector<Ranked> ranked;
  for (std::size_t i = 0; i < configuration.routes.size(); ++i) {
    const Route& route = configuration.routes[i];
    if (!configuration.services[route.service].enabled) continue;
    auto frame = frame_of(route, i);
    std::map<std::size_t, std::vector<std::string>> by_length;
    for (const auto& path : route.paths)
      by_length[path.text.size()].push_back(path.text);
    if (by_length.empty()) ranked.push_back(rank(route, frame));
    for (auto& [length, paths] : by_length) {
      frame.paths = std::move(paths);
      ranked.push_back(rank(route, frame));
    }
  }
  std::ranges::sort(ranked, {}, &Ranked::precedence);
  std::vector<RouteRule> rules;
  rules.reserve(ranked.size());
  for (auto& each : ranked)
    rules.push_back(std::move(each.rule));
  return rules;
}

// Kong's get_upstream_uri_v0 (kong/router/utils.lua).

}  // namespace sinew::gateway
