#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sinew/proxy/cluster/cluster.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/ip_address.hpp"

namespace sinew::proxy {

// What Balancer::Query::hash is for a request: the same for requests that shall meet the same
// endpoint. Nothing: the request lacks the key, or there is none (Source::none). Kong's semantics:
// all values of a header or parameter count together; a parameter without "=" or with nothing
// behind it, a header and a cookie without a value are as if they were not there.
//
// `received` is the buffer of `head`, `path` the request's canonical one, `client` the address
// behind trusted proxies. Names and values of parameters are compared as they read when decoded; an
// escape that is malformed stands for itself. Allocates nothing, any bytes.
std::optional<std::uint64_t> hash_of(const HashKey& key, const wire::RequestHead& head,
                                     wire::Bytes received, std::string_view path,
                                     const wire::IpAddress& client) noexcept;
// By settings.hash, or by settings.hash_fallback for requests that lack it.
std::optional<std::uint64_t> hash_of(const ClusterSettings& settings, const wire::RequestHead& head,
                                     wire::Bytes received, std::string_view path,
                                     const wire::IpAddress& client) noexcept;

// The same of a cookie's value, for one that is about to be set.
std::uint64_t hash_of_cookie(std::string_view value) noexcept;

}  // namespace sinew::proxy
