#pragma once

#include <vector>

#include "sinew/gateway/entities.hpp"
#include "sinew/proxy/router/route_table.hpp"

// Kong's routing over proxy::RouteTable.
namespace sinew::gateway {

// The rules of all routes of enabled services in Kong's precedence (router flavour
// traditional_compatible, its default): a route with paths of several lengths is one rule a
// length, and of two rules that match the one goes first that has, asked in this order,
//
// 1. more kinds of criteria (methods, hosts, headers, paths, SNIs),
// 2. hosts, none of them with a wildcard,
// 3. more headers,
// 4. longer paths,
// 5. the older `created_at`; one that is not given is oldest,
// 6. the earlier place in the file.
//
// A match answers the route's index in `configuration.routes`. Protocols are no criterion, as in
// Kong: a plain request to a route of https alone matches, and is answered its
// https_redirect_status_code.
std::vector<proxy::RouteRule> route_rules(const Configuration& configuration);

}  // namespace sinew::gateway
