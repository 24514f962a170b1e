#include "sinew/gateway/compile/listeners.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sinew/gateway/compile/cluster_settings.hpp"

namespace sinew::gateway {
namespace {

void add_ranges(const std::vector<AddressRange>& from, std::vector<proxy::AddressRange>& to) {
  for (const auto& range : from)
    to.push_back(range_of(range));
}

void add_settings(const ListenerSettings& settings, proxy::ListenerSettings& out) {
  add_ranges(settings.trusted_addresses, out.trusted);
  out.header_timeout = settings.header_timeout;
  out.body_timeout = settings.body_timeout;
  out.idle_timeout = settings.idle_timeout;
  if (settings.max_body) {
    out.max_body = settings.max_body->bytes == 0 ? UINT64_MAX : settings.max_body->bytes;
  }
  if (!settings.proxy_protocol) return;
  proxy::ListenerSettings::ProxyProtocol header{.timeout = settings.proxy_protocol->timeout};
  add_ranges(settings.proxy_protocol->from, header.from);
  out.proxy_protocol = std::move(header);
}

proxy::ListenerSettings listener_of(const Listen& listen, const ProcessSettings& process) {
  proxy::ListenerSettings out;
  out.address = endpoint_of(listen.address);
  out.tls = listen.ssl;
  if (listen.backlog > 0) out.backlog = listen.backlog;
  add_ranges(process.trusted_ips.ranges, out.trusted);
  // With proxy_protocol the header itself says who the client is.
  if (process.real_ip_header.text != "proxy_protocol") {
    out.client_field = process.real_ip_header.text;
  }
  out.client_recursive = process.real_ip_recursive.on;
  const auto bytes = process.client_max_body_size.bytes;
  out.max_body = bytes == 0 ? UINT64_MAX : bytes;
  return out;
}

}  // namespace

async::Endpoint endpoint_of(const ListenAddress& address) {
  auto [host, port] = split_address(address.text);
  return {std::move(host), port};
}

proxy::AddressRange range_of(const AddressRange& range) {
  const std::string_view text = range.text;
  const auto slash = text.find('/');
  const auto address = wire::parse_ip(text.substr(0, slash)).value_or(wire::IpAddress());
  const auto all = static_cast<unsigned>(address.size() * 8);
  if (slash == std::string_view::npos) return {address, all};
  const auto bits = config::parse_unsigned(text.substr(slash + 1));
  return {address, static_cast<unsigned>(bits.value_or(all))};
}

std::vector<proxy::ListenerSettings> listeners_of(const Configuration& configuration,
                                                  const ProcessSettings& process, TlsContexts& tls,
                                                  Findings& findings) {
  std::vector<proxy::ListenerSettings> out;
  for (const auto& listen : process.proxy_listen.entries) {
    auto& made = out.emplace_back(listener_of(listen, process));
    const auto& known = configuration.listeners;
    const auto settings = std::ranges::find(known, listen.address, &ListenerSettings::address);
    if (settings == known.end()) {
      if (listen.ssl) made.tls_context = tls.for_listener({}, {});
      continue;
    }
    add_settings(*settings, made);
    if (listen.ssl) {
      made.tls_context =
          tls.for_listener(settings->client_certificates, settings->client_authorities);
    } else if (settings->client_certificates) {
      findings.errors.push_back(
          {{},
           "sinew.listeners",
           fmt::format("{} asks for client certificates, and has no ssl in proxy_listen",
                       listen.address.text)});
    }
  }
  return out;
}

}  // namespace sinew::gateway
