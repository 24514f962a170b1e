#include "sinew/net/resolver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

#include "sinew/base/error.hpp"
#include "sinew/wire/chars.hpp"

namespace sinew::net {

bool is_numeric_address(std::string_view host) noexcept {
  const std::string text(host.substr(0, INET6_ADDRSTRLEN));
  std::array<unsigned char, sizeof(in6_addr)> address;
  return text.size() == host.size() && (inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
                                        inet_pton(AF_INET6, text.c_str(), address.data()) == 1);
}

std::optional<std::vector<std::string>> resolve_locally(std::string_view host) {
  if (is_numeric_address(host)) return std::vector{std::string(host)};
  constexpr std::string_view kLocalhost = "localhost";
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() < kLocalhost.size()) return std::nullopt;
  const std::string_view rest = host.substr(0, host.size() - kLocalhost.size());
  if (!wire::iequals(host.substr(rest.size()), kLocalhost)) return std::nullopt;
  if (!rest.empty() && !rest.ends_with('.')) return std::nullopt;
  return std::vector<std::string>{"127.0.0.1", "::1"};
}

Task<std::vector<std::string>> Resolver::resolve(std::string host) {
  co_return (co_await look_up(std::move(host))).addresses;
}

Task<Answer> FixedResolver::look_up(std::string host) {
  if (auto local = resolve_locally(host)) co_return Answer{std::move(*local)};
  const auto found = table_.find(host);
  if (found == table_.end()) {
    throw Error(Condition::not_found, "the host " + host + " is not in the table of names");
  }
  co_return Answer{found->second};
}

}  // namespace sinew::net
