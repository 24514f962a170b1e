#include <string>

#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/documents.hpp"
#include "sinew/gateway/line_order.hpp"
#include "sinew/wire/uri.hpp"

namespace sinew::gateway {
namespace {

using config::Node;
using config::Problems;
using config::Walk;

class Reader {
 public:
  Reader(Problems& problems, const Environment& environment) : walk_(problems, environment) {}

  Documents read(const Node& root) {
    Documents out;
    out.file = read_one<FileDocument>(root, "");
    const auto& file = out.file;
    read_list(file.services, "services", {}, out.services);
    read_list(file.upstreams, "upstreams", {}, out.upstreams);
    read_list(file.certificates, "certificates", {}, out.certificates);
    read_list(file.ca_certificates, "ca_certificates", {}, out.ca_certificates);
    read_nested(out.services, &ServiceDocument::routes, ".routes", out.routes);
    read_nested(out.upstreams, &UpstreamDocument::targets, ".targets", out.targets);
    read_nested(out.certificates, &CertificateDocument::snis, ".snis", out.snis);
    read_list(file.routes, "routes", {}, out.routes);
    read_list(file.targets, "targets", {}, out.targets);
    read_list(file.snis, "snis", {}, out.snis);
    order_by_line(out.routes);
    order_by_line(out.targets);
    order_by_line(out.snis);
    return out;
  }

 private:
  template <class D>
  D read_one(const Node& node, std::string place) {
    const auto step = Walk::Step(walk_, place, node.position());
    D document;
    if (node.kind() == Node::Kind::map) {
      config::schema<D>()->read(node, &document, walk_);
      complete(node, document);
    } else {
      walk_.mismatch(to_string(node.kind()), "a map of options");
    }
    if constexpr (requires { document.position; }) document.position = node.position();
    document.place = std::move(place);
    return document;
  }

  template <class D>
  void read_list(const EntityList& list, const std::string& place,
                 std::optional<std::size_t> parent, std::vector<D>& out) {
    if (list.node == nullptr) return;
    std::size_t index = 0;
    for (const auto& child : list.node->children()) {
      if (++entities_ > kMaxEntities) return fail_of_many(child);
      out.push_back(read_one<D>(child, place + "[" + std::to_string(index++) + "]"));
      out.back().parent = parent;
    }
  }

  template <class P, class D>
  void read_nested(const std::vector<P>& parents, EntityList P::* list, std::string_view name,
                   std::vector<D>& out) {
    for (std::size_t i = 0; i < parents.size(); ++i)
      read_list(parents[i].*list, parents[i].place + std::string(name), i, out);
  }

  void fail_of_many(const Node& node) {
    if (entities_ > kMaxEntities + 1) return;
    const auto step = Walk::Step(walk_, "", node.position());
    walk_.fail("more than " + std::to_string(kMaxEntities) + " entities");
  }

  void complete(const Node&, const auto&) {}
  void complete(const Node& node, ServiceDocument& service) {
    if (service.url) {
      read_url(node, service);
    } else if (node.find("host") == nullptr && node.find("url") == nullptr) {
      walk_.fail("host is required, or url");
    }
  }

  void read_url(const Node& node, ServiceDocument& service) {
    for (const char* part : {"protocol", "host", "port", "path"}) {
      if (const auto* given = node.find(part)) {
        const auto step = walk_.into_key(part, given->key().position);
        walk_.fail("stands in the url already; give the url, or protocol, host, port and path");
      }
    }
    const auto step = walk_.into_key("url", node.find("url")->position());
    const auto url = wire::parse_url(*service.url);
    const auto host = url ? HostRule::read(url->host) : std::nullopt;
    if (!host || service.url->find_first_of("?#") != std::string::npos) {
      return walk_.fail(
          "expected http://host:port/path or https://, without user, query, fragment");
    }
    service.protocol = url->scheme == "https" ? Protocol::https : Protocol::http;
    service.host = {*host};
    service.port = url->port;
    const auto slash = service.url->find('/', service.url->find("://") + 3);
    if (slash == std::string::npos) return;
    const auto path = PathRule::read(std::string_view(*service.url).substr(slash));
    if (!path) return walk_.fail("the path is not " + std::string(PathRule::kNoun));
    service.path = Path{*path};
  }

  Walk walk_;
  std::size_t entities_ = 0;
};

}  // namespace

Documents read_documents(const Node& root, Problems& problems, const Environment& environment) {
  return Reader(problems, environment).read(root);
}

}  // namespace sinew::gateway
