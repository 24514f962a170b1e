#include "sinew/gateway/documents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sinew/wire/chars.hpp"

namespace sinew::gateway {
namespace {

// Kong's longest timeout, 2^31 - 2.
constexpr Milliseconds kLongestTimeout{std::numeric_limits<std::int32_t>::max() - 1};
constexpr std::int64_t kMostSeconds = 253'402'300'799;  // the end of the year 9999

// An option whose member is a base's.
template <class T, class Base, class M>
auto option(config::Section<T>& section, std::string name, M Base::* member, std::string text) {
  return section.option(std::move(name), static_cast<M T::*>(member), std::move(text));
}

template <class T>
void describe_ignored(config::Section<T>& section) {
  option(section, "_comment", &T::ignored, "without effect");
  option(section, "_ignore", &T::ignored, "without effect");
}

template <class T>
void describe_entity(config::Section<T>& section) {
  option(section, "id", &T::id, "left out: derived from the name, as Kong derives it");
  option(section, "tags", &T::tags, "for people");
  option(section, "created_at", &T::created_at,
         "seconds since 1970; of routes of one precedence the older goes first")
      .range(0, kMostSeconds);
  option(section, "updated_at", &T::updated_at, "without effect").range(0, kMostSeconds);
  describe_ignored(section);
}

template <class T>
void refuse(config::Section<T>& section, std::initializer_list<const char*> names) {
  for (const char* name : names)
    option(section, name, &T::not_supported, "of Kong");
}

bool has_https(const std::vector<Protocol>& protocols) {
  return std::ranges::find(protocols, Protocol::https) != protocols.end();
}

// What a kind of hash needs, and whether it is there.
struct HashNeeds {
  HashOn kind;
  std::string_view option;
  bool given;
};

void check_hash(std::string_view role, HashOn kind, std::initializer_list<HashNeeds> needs,
                std::vector<std::string>& out) {
  for (const auto& need : needs) {
    if (need.kind == kind && !need.given) {
      out.push_back(fmt::format("{} is {}, so {} is required", role, kong_name(kind), need.option));
    }
  }
}

}  // namespace

void ServiceDocument::describe(config::Section<ServiceDocument>& section) {
  using S = ServiceDocument;
  describe_entity(section);
  option(section, "name", &S::name, "unique; what routes refer to");
  option(section, "url", &S::url, "stands for protocol, host, port and path together");
  option(section, "protocol", &S::protocol, "to the targets");
  option(section, "host", &S::host,
         "an upstream's name, otherwise resolved by DNS; required unless url is given");
  option(section, "port", &S::port, "443 with an https url; not used with an upstream")
      .range(0, 65'535);
  option(section, "path", &S::path, "put before the request's path");
  option(section, "retries", &S::retries, "further attempts at most; see sinew.retry_idempotent")
      .range(0, 32'767);
  option(section, "connect_timeout", &S::connect_timeout, "to have a connection")
      .range(Milliseconds(1), kLongestTimeout);
  option(section, "write_timeout", &S::write_timeout, "between two writes of a request")
      .range(Milliseconds(1), kLongestTimeout);
  option(section, "read_timeout", &S::read_timeout, "between two reads of an answer")
      .range(Milliseconds(1), kLongestTimeout);
  option(section, "enabled", &S::enabled, "false: its routes match nothing");
  option(section, "routes", &S::routes, "nested routes, without their `service`");
  option(section, "tls_verify", &S::tls_verify,
         "of https: false: any certificate will do, whoever shows it");
  option(section, "tls_verify_depth", &S::tls_verify_depth,
         "authorities between a target's certificate and a trusted one; none: 100")
      .range(0, 64);
  option(section, "ca_certificates", &S::authority_ids,
         "ids: who is trusted; none: the system's authorities");
  option(section, "client_certificate", &S::certificate, "id of the certificate shown to targets");
  option(section, "sinew", &S::sinew, "what Kong lacks");
  refuse(section, {"tls_sans", "plugins"});
}

std::vector<std::string> ServiceDocument::violations() const {
  std::vector<std::string> out;
  const bool tls = tls_verify || tls_verify_depth || !authority_ids.empty() || certificate.given;
  if (tls && protocol != Protocol::https && !url) {
    out.emplace_back(
        "tls_verify, tls_verify_depth, ca_certificates and client_certificate need protocol https");
  }
  if (!tls_verify && (tls_verify_depth || !authority_ids.empty())) {
    out.emplace_back("tls_verify_depth and ca_certificates need tls_verify: true");
  }
  return out;
}

void RouteDocument::describe(config::Section<RouteDocument>& section) {
  using S = RouteDocument;
  describe_entity(section);
  option(section, "name", &S::name, "unique; for the log and metrics");
  option(section, "service", &S::service, "required unless nested in one");
  option(section, "protocols", &S::protocols,
         "https alone: plain requests are answered https_redirect_status_code")
      .items(1, 2);
  option(section, "methods", &S::methods, "one of them");
  option(section, "hosts", &S::hosts, "one of them; * stands for one or more labels");
  option(section, "paths", &S::paths, "begins with one of them; compared byte by byte");
  option(section, "headers", &S::headers, "each must have one of its values, without case");
  option(section, "snis", &S::snis, "one of them; not asked of plain requests");
  option(section, "https_redirect_status_code", &S::https_redirect_status_code,
         "426, or a redirect to https");
  option(section, "strip_path", &S::strip_path, "the matched prefix is taken from the path");
  option(section, "preserve_host", &S::preserve_host, "the client's Host is sent on");
  option(section, "regex_priority", &S::regex_priority, "without effect");
  option(section, "path_handling", &S::path_handling, "how service path and path are joined");
  option(section, "request_buffering", &S::request_buffering,
         "bodies stream in both directions, whatever it says");
  option(section, "response_buffering", &S::response_buffering, "as request_buffering");
  option(section, "sinew", &S::exchange, "what Kong lacks; stands before the service's");
  refuse(section, {"sources", "destinations", "expression", "priority", "plugins"});
}

std::vector<std::string> RouteDocument::violations() const {
  std::vector<std::string> out;
  const bool https = has_https(protocols);
  const bool criteria = !methods.empty() || !hosts.empty() || !paths.empty() || !headers.empty();
  if (!criteria && (snis.empty() || !https)) {
    out.push_back(
        fmt::format("needs one of methods, hosts, headers, paths{}: it would match every "
                    "request (if that is meant, write paths: [/])",
                    https ? ", snis" : ""));
  }
  if (!snis.empty() && !https) out.emplace_back("snis need https among the protocols");
  if (protocols.size() == 2 && protocols[0] == protocols[1]) {
    out.push_back(fmt::format("protocols has {} twice", kong_name(protocols[0])));
  }
  for (const auto& [name, values] : headers) {
    if (!FieldNameRule::read(name)) {
      out.push_back(
          fmt::format("headers: {} is not the name of a header field", config::shown(name)));
    } else if (wire::iequals(name, "host")) {
      out.emplace_back("headers: the host is matched by hosts");
    }
    if (values.empty()) out.push_back(fmt::format("headers: {} has no value", config::shown(name)));
  }
  return out;
}

void TargetDocument::describe(config::Section<TargetDocument>& section) {
  using S = TargetDocument;
  describe_entity(section);
  option(section, "target", &S::target, "unique in its upstream").required();
  option(section, "weight", &S::weight, "its share; 0: it gets nothing").range(0, 65'535);
  option(section, "upstream", &S::upstream, "required unless nested in one");
}

void UpstreamDocument::describe(config::Section<UpstreamDocument>& section) {
  using S = UpstreamDocument;
  describe_entity(section);
  option(section, "name", &S::name, "unique; what a service has as its host").required();
  option(section, "algorithm", &S::algorithm,
         "round-robin by weight; least-connections: of two drawn the one with fewer requests");
  option(section, "hash_on", &S::hash_on, "what consistent-hashing hashes");
  option(section, "hash_fallback", &S::hash_fallback, "where a request has no hash_on");
  option(section, "hash_on_header", &S::hash_on_header, "with hash_on: header");
  option(section, "hash_fallback_header", &S::hash_fallback_header, "with hash_fallback: header");
  option(section, "hash_on_cookie", &S::hash_on_cookie, "with cookie; set where it is missing");
  option(section, "hash_on_cookie_path", &S::hash_on_cookie_path, "of the cookie that is set");
  option(section, "hash_on_query_arg", &S::hash_on_query_arg, "with hash_on: query_arg");
  option(section, "hash_fallback_query_arg", &S::hash_fallback_query_arg,
         "with hash_fallback: query_arg");
  option(section, "slots", &S::slots, "of the consistent hash").range(10, 65'536);
  option(section, "healthchecks", &S::healthchecks, "which targets get requests");
  option(section, "host_header", &S::host_header,
         "sent as Host; a route's preserve_host stands before it");
  option(section, "use_srv_name", &S::use_srv_name, "without effect");
  option(section, "targets", &S::targets, "nested targets, without their `upstream`");
  option(section, "sinew", &S::cluster, "what Kong lacks");
  option(section, "client_certificate", &S::certificate,
         "as a service's, for those that have none");
  refuse(section, {"hash_on_uri_capture", "hash_fallback_uri_capture", "sticky_sessions_cookie",
                   "sticky_sessions_cookie_path"});
}

std::vector<std::string> UpstreamDocument::violations() const {
  std::vector<std::string> out;
  const bool cookie = hash_on_cookie.has_value();
  check_hash("hash_on", hash_on,
             {{HashOn::header, "hash_on_header", hash_on_header.has_value()},
              {HashOn::cookie, "hash_on_cookie", cookie},
              {HashOn::query_arg, "hash_on_query_arg", hash_on_query_arg.has_value()}},
             out);
  check_hash("hash_fallback", hash_fallback,
             {{HashOn::header, "hash_fallback_header", hash_fallback_header.has_value()},
              {HashOn::cookie, "hash_on_cookie", cookie},
              {HashOn::query_arg, "hash_fallback_query_arg", hash_fallback_query_arg.has_value()}},
             out);
  if (hash_fallback != HashOn::none && (hash_on == HashOn::none || hash_on == HashOn::cookie)) {
    out.push_back(
        fmt::format("hash_fallback must be none where hash_on is {}", kong_name(hash_on)));
  }
  const bool may_repeat =
      hash_on == HashOn::none || hash_on == HashOn::header || hash_on == HashOn::query_arg;
  if (hash_on == hash_fallback && !may_repeat) {
    out.push_back(fmt::format("hash_fallback is {} as hash_on is", kong_name(hash_on)));
  }
  if (hash_on_header && hash_on_header == hash_fallback_header) {
    out.emplace_back("hash_fallback_header is the same as hash_on_header");
  }
  if (hash_on_query_arg && hash_on_query_arg == hash_fallback_query_arg) {
    out.emplace_back("hash_fallback_query_arg is the same as hash_on_query_arg");
  }
  return out;
}

void ServerNameDocument::describe(config::Section<ServerNameDocument>& section) {
  using S = ServerNameDocument;
  describe_entity(section);
  option(section, "name", &S::name, "unique").required();
  option(section, "certificate", &S::certificate, "an id; required unless nested in one");
}

void CertificateDocument::Sinew::describe(config::Section<Sinew>& section) {
  section.option("cert", &Sinew::cert, "where the chain is, the server's own certificate first");
  section.option("key", &Sinew::key, "where the private key is");
}

void CertificateDocument::describe(config::Section<CertificateDocument>& section) {
  using S = CertificateDocument;
  describe_entity(section);
  option(section, "cert", &S::cert_text, "the chain, the server's own certificate first");
  option(section, "key", &S::key_text, "the private key, unencrypted");
  option(section, "snis", &S::snis, "nested names, without their `certificate`");
  option(section, "sinew", &S::sinew, "in place of cert and key: where they are");
  refuse(section, {"cert_alt", "key_alt", "passphrase"});
}

std::vector<std::string> CertificateDocument::violations() const {
  std::vector<std::string> out;
  const auto check = [&](std::string_view what, bool text, bool reference) {
    if (text && reference) out.push_back(fmt::format("{0} and sinew.{0} are both given", what));
    if (!text && !reference) out.push_back(fmt::format("{0} is required, or sinew.{0}", what));
  };
  check("cert", cert_text.has_value(), sinew.cert.has_value());
  check("key", key_text.has_value(), sinew.key.has_value());
  return out;
}

void CaCertificateDocument::Sinew::describe(config::Section<Sinew>& section) {
  section.option("cert", &Sinew::cert, "where the authority's certificate is");
}

void CaCertificateDocument::describe(config::Section<CaCertificateDocument>& section) {
  using S = CaCertificateDocument;
  describe_entity(section);
  option(section, "cert", &S::cert_text, "of the authority");
  option(section, "cert_digest", &S::cert_digest, "without effect");
  option(section, "sinew", &S::sinew, "in place of cert: where it is");
}

std::vector<std::string> CaCertificateDocument::violations() const {
  if (cert_text.has_value() != sinew.cert.has_value()) return {};
  return {cert_text ? "cert and sinew.cert are both given" : "cert is required, or sinew.cert"};
}

void FileDocument::Sinew::describe(config::Section<Sinew>& section) {
  section.option("listeners", &Sinew::listeners, "what a listener does, by its address")
      .items(0, 64);
}

void FileDocument::describe(config::Section<FileDocument>& section) {
  using S = FileDocument;
  option(section, "_format_version", &S::format_version, "of Kong's format").required();
  option(section, "_transform", &S::transform, "without effect: there are no credentials yet");
  describe_ignored(section);
  option(section, "services", &S::services, "");
  option(section, "routes", &S::routes, "");
  option(section, "upstreams", &S::upstreams, "");
  option(section, "targets", &S::targets, "");
  option(section, "certificates", &S::certificates, "");
  option(section, "ca_certificates", &S::ca_certificates, "");
  option(section, "snis", &S::snis, "");
  option(section, "sinew", &S::sinew, "what Kong lacks");
  refuse(section, {"plugins",
                   "consumers",
                   "consumer_groups",
                   "vaults",
                   "keys",
                   "key_sets",
                   "filter_chains",
                   "licenses",
                   "parameters",
                   "workspaces",
                   "acls",
                   "basicauth_credentials",
                   "hmacauth_credentials",
                   "jwt_secrets",
                   "keyauth_credentials",
                   "oauth2_credentials",
                   "_info",
                   "_workspace",
                   "_konnect",
                   "_plugin_configs"});
}

void HealthyCheck::describe(config::Section<HealthyCheck>& section) {
  using S = HealthyCheck;
  section.option("interval", &S::interval, "between probes of healthy targets; 0: none")
      .range(Seconds(0), Seconds(65'535));
  section.option("http_statuses", &S::http_statuses, "that count as success").range(100, 599);
  section.option("successes", &S::successes, "in a row that make a target healthy; 0: never")
      .range(0, 255);
}

namespace {

template <class S>
void describe_failures(config::Section<S>& section) {
  section.option("http_statuses", &S::http_statuses, "that count as failure").range(100, 599);
  section
      .option("tcp_failures", &S::tcp_failures, "in a row that make a target unhealthy; 0: never")
      .range(0, 255);
  section.option("timeouts", &S::timeouts, "as tcp_failures").range(0, 255);
  section.option("http_failures", &S::http_failures, "as tcp_failures").range(0, 255);
}

}  // namespace

void UnhealthyCheck::describe(config::Section<UnhealthyCheck>& section) {
  section
      .option("interval", &UnhealthyCheck::interval, "between probes of unhealthy targets; 0: none")
      .range(Seconds(0), Seconds(65'535));
  describe_failures(section);
}

void ActiveChecks::describe(config::Section<ActiveChecks>& section) {
  using S = ActiveChecks;
  section.option("type", &S::type, "of the probe");
  section.option("timeout", &S::timeout, "of a probe").range(Seconds(0.001), Seconds(65'535));
  section.option("concurrency", &S::concurrency, "probes at a time").range(1, 1'000);
  section.option("http_path", &S::http_path, "asked for");
  section.option("https_sni", &S::https_sni, "none: the target's name");
  section.option("https_verify_certificate", &S::https_verify_certificate, "of the target");
  section.option("headers", &S::headers, "sent with a probe");
  section.option("healthy", &S::healthy, "");
  section.option("unhealthy", &S::unhealthy, "");
}

void PassiveHealthy::describe(config::Section<PassiveHealthy>& section) {
  using S = PassiveHealthy;
  section.option("http_statuses", &S::http_statuses, "that count as success").range(100, 599);
  section.option("successes", &S::successes, "in a row that make a target healthy; 0: never")
      .range(0, 255);
}

void PassiveUnhealthy::describe(config::Section<PassiveUnhealthy>& section) {
  describe_failures(section);
}

void PassiveChecks::describe(config::Section<PassiveChecks>& section) {
  using S = PassiveChecks;
  section.option("type", &S::type, "tcp: only connections count");
  section.option("healthy", &S::healthy, "");
  section.option("unhealthy", &S::unhealthy, "");
}

void HealthChecks::describe(config::Section<HealthChecks>& section) {
  using S = HealthChecks;
  section.option("active", &S::active, "probes");
  section.option("passive", &S::passive, "what requests tell");
  section
      .option("threshold", &S::threshold,
              "percent of the weight that must be healthy; below it the upstream answers 503")
      .range(0, 100);
}

}  // namespace sinew::gateway
