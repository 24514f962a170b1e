#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "sinew/base/suggest.hpp"
#include "sinew/gateway/documents.hpp"
#include "sinew/gateway/route_twins.hpp"

namespace sinew::gateway {
namespace {

using config::Position;
using config::Problems;

// Kong's, in kong/db/schema/others/declarative_config.lua: a kind's namespace is derived from it
// and the kind, an entity's id from that and its key.
const Uuid kKongNamespace = Uuid::parse("fd02801f-0957-4a15-a55a-c8d9606f30b5");

// The entities of a kind by name and by id.
class Register {
 public:
  Register(std::string_view kind, std::string_view plural, Problems& problems)
      : kind_(kind), name_space_(derive_uuid(kKongNamespace, plural)), problems_(problems) {}

  // Gives the entity its id, and reports a name or an id that another one has.
  template <class D>
  void add(D& document, const std::string& name, const std::string& key, std::size_t index) {
    const bool derived = document.id.is_nil();
    if (derived) document.id = derive_uuid(name_space_, key.empty() ? document.place : key);
    const bool is_new = name.empty() || claim(names_, name, document, index);
    // Equal names derive equal ids; saying so once is enough.
    if (is_new || !derived) claim(ids_, to_string(document.id), document, index);
  }

  std::optional<std::size_t> find(const Reference& reference, const std::string& place) const {
    const auto name = names_.find(reference.text);
    if (name != names_.end()) return name->second.index;
    const auto id = Uuid::try_parse(reference.text);
    const auto found = id ? ids_.find(to_string(*id)) : ids_.end();
    if (found != ids_.end()) return found->second.index;
    problems_.add({reference.position, fmt::format("{}.{}", place, kind_),
                   fmt::format("there is no {} {}{}", kind_, config::shown(reference.text),
                               did_you_mean(reference.text, known()))});
    return std::nullopt;
  }

  std::optional<std::size_t> named(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional(found->second.index);
  }

 private:
  struct Claim {
    std::size_t index;
    std::size_t line;
  };
  using Claims = std::map<std::string, Claim>;

  template <class D>
  bool claim(Claims& claims, const std::string& key, const D& document, std::size_t index) {
    const auto [it, added] = claims.try_emplace(key, Claim{index, document.position.line});
    if (added) return true;
    problems_.add({document.position, document.place,
                   fmt::format("the {} {} is there already, in line {}", kind_, config::shown(key),
                               it->second.line)});
    return false;
  }
  std::vector<std::string> known() const {
    std::vector<std::string> names;
    for (const auto& [name, claim] : names_)
      names.push_back(name);
    return names;
  }

  std::string kind_;
  Uuid name_space_;
  Problems& problems_;
  Claims names_;
  Claims ids_;
};

class Linker {
 public:
  Linker(Documents documents, Problems& problems, Problems& warnings)
      : documents_(std::move(documents)),
        problems_(problems),
        warnings_(warnings),
        services_("service", "services", problems),
        routes_("route", "routes", problems),
        upstreams_("upstream", "upstreams", problems),
        certificates_("certificate", "certificates", problems),
        ca_certificates_("ca_certificate", "ca_certificates", problems),
        server_names_("name of a server", "snis", problems) {}

  Configuration link() {
    register_all();
    link_services();
    link_routes();
    link_targets();
    link_certificates();
    link_authorities();
    link_listeners();
    return std::move(out_);
  }

 private:
  void fail(const auto& document, std::string_view option, std::string what) {
    const std::string path =
        option.empty() ? document.place : fmt::format("{}.{}", document.place, option);
    problems_.add({document.position, path, std::move(what)});
  }
  void warn(const auto& document, std::string what) {
    warnings_.add({document.position, document.place, std::move(what)});
  }

  void register_all() {
    const auto each = [](auto& documents, Register& kind, auto name_of) {
      std::size_t index = 0;
      for (auto& document : documents) {
        const std::string name = name_of(document);
        kind.add(document, name, name, index++);
      }
    };
    const auto name = [](const auto& document) { return document.name.text; };
    each(documents_.services, services_, name);
    each(documents_.routes, routes_, name);
    each(documents_.upstreams, upstreams_, name);
    each(documents_.certificates, certificates_, [](const auto&) { return std::string(); });
    each(documents_.ca_certificates, ca_certificates_, [](const auto&) { return std::string(); });
    each(documents_.snis, server_names_, name);
  }

  // What the entity belongs to: what it is nested in, or what it refers to.
  template <class D>
  std::optional<std::size_t> owner(const D& document, const Reference& reference,
                                   const Register& kind, std::string_view name) {
    if (document.parent && !reference.text.empty()) {
      problems_.add({reference.position, fmt::format("{}.{}", document.place, name),
                     fmt::format("stands in a {0} already; leave `{0}` out", name)});
    }
    if (document.parent) return document.parent;
    if (!reference.text.empty()) return kind.find(reference, document.place);
    fail(document, name, fmt::format("is required: the name or id of a {}, or stand in one", name));
    return std::nullopt;
  }

  void link_services() {
    for (auto& service : documents_.services) {
      service.upstream = upstreams_.named(service.host.text);
      service.exchange = static_cast<const ExchangeSettings&>(service.sinew);
      service.cluster = service.sinew.cluster;
      service.client_certificate = shown_certificate(service);
      service.authorities = authorities(service.authority_ids, service.place);
      if (service.upstream && service.cluster) {
        const auto& upstream = documents_.upstreams[*service.upstream];
        fail(service, "sinew.cluster",
             fmt::format("the host is an upstream: these settings belong there, line {}",
                         upstream.position.line));
      }
      out_.services.push_back(service);
    }
  }

  template <class D>
  std::optional<std::size_t> shown_certificate(const D& document) {
    if (document.certificate.text.empty()) return std::nullopt;
    return certificates_.find(document.certificate, document.place);
  }

  std::vector<std::size_t> authorities(const std::vector<Reference>& ids,
                                       const std::string& place) {
    std::vector<std::size_t> out;
    for (const auto& id : ids) {
      if (const auto found = ca_certificates_.find(id, place)) out.push_back(*found);
    }
    return out;
  }

  void link_routes() {
    std::vector<bool> has_route(out_.services.size());
    RouteTwins twins(warnings_);
    for (auto& route : documents_.routes) {
      lower_header_names(route);
      const auto service = owner(route, route.service, services_, "service");
      if (!check_combinations(route) || !service) continue;
      static_cast<Route&>(route).service = *service;
      has_route[*service] = true;
      out_.routes.push_back(route);
      if (out_.services[*service].enabled) twins.add(route, route.place);
    }
    twins.report();
    for (std::size_t i = 0; i < has_route.size(); ++i) {
      if (!has_route[i]) warn(documents_.services[i], "no route leads to this service");
    }
  }

  void lower_header_names(RouteDocument& route) {
    auto given = std::move(route.headers);
    route.headers.clear();
    for (auto& [name, values] : given) {
      const auto lower = FieldNameRule::read(name).value_or(name);
      if (!route.headers.try_emplace(lower, std::move(values)).second) {
        fail(route, "headers", fmt::format("{} is given twice", config::shown(lower)));
      }
    }
  }

  // Each is an entry of the routing table.
  bool check_combinations(const RouteDocument& route) {
    constexpr std::size_t kMost = 10'000;
    constexpr std::size_t kMostOfAll = 1'000'000;
    const auto count =
        std::max<std::size_t>(1, route.hosts.size()) * std::max<std::size_t>(1, route.paths.size());
    combinations_ += count;
    if (count > kMost) {
      fail(route, "", fmt::format("{} hosts times paths; at most {} are allowed", count, kMost));
    } else if (combinations_ > kMostOfAll && combinations_ - count <= kMostOfAll) {
      fail(route, "", fmt::format("hosts times paths of all routes are more than {}", kMostOfAll));
    }
    return count <= kMost && combinations_ <= kMostOfAll;
  }

  void link_targets() {
    for (auto& upstream : documents_.upstreams) {
      upstream.client_certificate = shown_certificate(upstream);
      out_.upstreams.push_back(upstream);
    }
    std::map<std::pair<std::size_t, std::string>, std::size_t> lines;
    Register targets("target", "targets", problems_);
    std::size_t index = 0;
    for (auto& target : documents_.targets) {
      const auto upstream = owner(target, target.upstream, upstreams_, "upstream");
      if (!upstream) continue;
      const std::string& address = target.target.text;
      const auto [it, added] = lines.try_emplace({*upstream, address}, target.position.line);
      if (!added) {
        fail(target, "target", fmt::format("{} is there already, in line {}", address, it->second));
        continue;
      }
      const auto& of = out_.upstreams[*upstream];
      targets.add(target, "", fmt::format("{}:{}", address, to_string(of.id)), index++);
      if (upstreams_.named(address.substr(0, address.rfind(':')))) {
        warn(target, "has the name of an upstream; a target is resolved by DNS nevertheless");
      }
      out_.upstreams[*upstream].targets.push_back(target);
    }
    warn_of_upstreams();
  }

  void warn_of_upstreams() {
    std::set<std::size_t> used;
    for (const auto& service : out_.services) {
      if (service.upstream) used.insert(*service.upstream);
    }
    for (std::size_t i = 0; i < out_.upstreams.size(); ++i) {
      const auto& document = documents_.upstreams[i];
      const auto weighs = [](const Target& target) { return target.weight > 0; };
      if (!used.contains(i)) warn(document, "no service has this upstream as its host");
      if (std::ranges::none_of(out_.upstreams[i].targets, weighs)) {
        warn(document, "has no target with a weight: every request is answered 503");
      }
    }
  }

  void link_certificates() {
    for (auto& document : documents_.certificates) {
      read_pair(document);
      out_.certificates.push_back(document);
    }
    for (const auto& name : documents_.snis) {
      const auto certificate = owner(name, name.certificate, certificates_, "certificate");
      if (certificate) out_.certificates[*certificate].snis.push_back(name);
    }
    std::set<std::size_t> shown;
    for (const auto& service : out_.services)
      shown.insert(service.client_certificate.value_or(SIZE_MAX));
    for (const auto& upstream : out_.upstreams)
      shown.insert(upstream.client_certificate.value_or(SIZE_MAX));
    for (std::size_t i = 0; i < out_.certificates.size(); ++i) {
      if (out_.certificates[i].snis.empty() && !shown.contains(i)) {
        warn(documents_.certificates[i],
             "no name of a server leads to this certificate, and nobody shows it to targets");
      }
    }
  }

  void link_authorities() {
    for (auto& document : documents_.ca_certificates) {
      const Secret* text = document.cert_text ? &document.cert_text->text : nullptr;
      if (document.sinew.cert) text = &*document.sinew.cert;
      if (text == nullptr || text->empty()) {
        out_.ca_certificates.push_back(document);
        continue;  // which was said
      }
      document.pem = text->reveal();
      if (auto error = tls::authority_problem(document.pem)) fail(document, "cert", *error);
      out_.ca_certificates.push_back(document);
    }
  }

  // Where one of both is missing or no PEM, that was said.
  void read_pair(CertificateDocument& document) {
    const auto& from = document.sinew;
    const Secret* cert = document.cert_text ? &document.cert_text->text : nullptr;
    const Secret* key = document.key_text ? &document.key_text->text : nullptr;
    if (from.cert) cert = &*from.cert;
    if (from.key) key = &*from.key;
    if (cert == nullptr || key == nullptr || cert->empty() || key->empty()) return;
    auto pair = tls::Certificate::from_pem(cert->reveal(), *key, document.place);
    if (pair) {
      document.pair = std::move(*pair);
    } else {
      problems_.add({document.position, "", std::move(pair.error())});
    }
  }

  void link_listeners() {
    out_.listeners = documents_.file.sinew.listeners;
    std::set<std::string> addresses;
    for (auto& listener : out_.listeners) {
      if (listener.client_certificates) {
        listener.client_authorities =
            authorities(listener.client_certificates->ca_certificates, "sinew.listeners");
      }
      if (addresses.insert(listener.address.text).second) continue;
      problems_.add(
          {{}, "sinew.listeners", fmt::format("{} is there twice", listener.address.text)});
    }
  }

  Documents documents_;
  Problems& problems_;
  Problems& warnings_;
  Register services_;
  Register routes_;
  Register upstreams_;
  Register certificates_;
  Register ca_certificates_;
  Register server_names_;
  std::size_t combinations_ = 0;
  Configuration out_;
};

}  // namespace

Configuration link_documents(Documents documents, Problems& problems, Problems& warnings) {
  return Linker(std::move(documents), problems, warnings).link();
}

}  // namespace sinew::gateway
