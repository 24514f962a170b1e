#include "sinew/gateway/route_twins.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sinew::gateway {
namespace {

// NUL is in none of the texts.
template <class List>
std::string joined(const List& texts) {
  std::vector<std::string_view> sorted;
  for (const auto& each : texts)
    sorted.push_back(each.text);
  std::ranges::sort(sorted);
  const auto repeated = std::ranges::unique(sorted);
  sorted.erase(repeated.begin(), repeated.end());
  return fmt::format("{}", fmt::join(sorted, std::string_view("\0", 1)));
}

bool has_wildcard(const HostPattern& host) { return host.text.contains('*'); }

// All criteria but host and path, and whether there is a wildcard: with the number of criteria and
// the path's length that decides the precedence.
std::string frame_of(const Route& route) {
  std::string key = joined(route.methods) + '\1' + joined(route.snis) + '\1';
  for (const auto& [name, values] : route.headers)
    key += name + '\2' + joined(values) + '\2';
  return key + '\1' + (std::ranges::any_of(route.hosts, has_wildcard) ? '*' : ' ');
}

template <class T>
std::vector<std::string> texts_or_empty(const std::vector<T>& given) {
  std::vector<std::string> texts;
  for (const auto& each : given)
    texts.push_back(each.text);
  if (texts.empty()) texts.emplace_back();
  return texts;
}

}  // namespace

void RouteTwins::add(const Route& route, const std::string& place) {
  const std::string frame = frame_of(route);
  for (const auto& host : texts_or_empty(route.hosts)) {
    for (const auto& path : texts_or_empty(route.paths)) {
      const auto key = frame + '\1' + host + '\1' + path;
      const auto what = host + path;
      auto& claims = claims_[key];
      // A path that a route has twice is no twin of itself.
      if (!claims.empty() && claims.back().place == place) continue;
      claims.push_back(
          {route.created_at, route.position, place, what.empty() ? "what it matches" : what});
    }
  }
}

void RouteTwins::report() const {
  for (const auto& [key, claims] : claims_) {
    const auto& first = *std::ranges::min_element(claims, {}, &Claim::created_at);
    for (const auto& claim : claims) {
      if (&claim == &first) continue;
      warnings_.add({claim.position, claim.place,
                     fmt::format("never gets {}: {}, in line {}, asks for the same and goes before "
                                 "it",
                                 claim.what, first.place, first.position.line)});
    }
  }
}

}  // namespace sinew::gateway
