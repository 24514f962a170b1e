#include "sinew/gateway/configuration.hpp"

#include <utility>

#include "sinew/gateway/documents.hpp"
#include "sinew/gateway/line_order.hpp"

namespace sinew::gateway {
namespace {

using config::Node;
using config::Problem;
using config::Problems;

// Kong takes null as not given. The depth is that of `kFileLimits`.
Node without_nulls(const Node& node) {
  if (node.kind() == Node::Kind::scalar) return Node::scalar(node.text(), node.position());
  Node out(node.kind(), node.position());
  for (const auto& child : node.children()) {
    if (node.kind() == Node::Kind::list) {
      out.append(without_nulls(child));
    } else if (child.kind() != Node::Kind::null) {
      out.append(child.key(), without_nulls(child));
    }
  }
  return out;
}

// The files that `sinew: {cert: file:/x, key: file:/y}` names.
void collect_files(const Node& node, bool secrets, std::vector<std::string>& out) {
  for (const auto& child : node.children()) {
    const auto& name = child.key().name;
    if (secrets && (name == "cert" || name == "key") && child.text().starts_with("file:")) {
      out.push_back(child.text().substr(5));
    }
    collect_files(child, name == "sinew", out);
  }
}

std::vector<Problem> by_line(const Problems& problems) {
  const auto kept = problems.kept();
  std::vector<Problem> out(kept.begin(), kept.end());
  order_by_line(out);
  return out;
}

Reading read_tree(const Node& tree, Problems& problems, const Environment& environment) {
  Reading out;
  // Broken syntax leaves no tree: then what is missing would only hide the cause.
  if (problems.empty() || tree.kind() != Node::Kind::null) {
    const Node root = without_nulls(tree);
    collect_files(root, false, out.files);
    Problems warnings;
    auto documents = read_documents(root, problems, environment);
    auto configuration = link_documents(std::move(documents), problems, warnings);
    if (problems.empty()) {
      out.configuration = std::move(configuration);
      out.warnings = by_line(warnings);  // beside errors they would only tell of them again
    }
  }
  out.errors = by_line(problems);
  out.error_count = problems.count();
  return out;
}

template <class D>
std::string section(std::string_view title) {
  std::vector<config::OptionDoc> options;
  std::string refused;
  for (auto& option : config::reference<D>()) {
    if (option.accepts == NotSupportedRule::kNothing) {
      refused += (refused.empty() ? "`" : ", `") + option.path + "`";
    } else if (!option.path.starts_with("_comment") && !option.path.starts_with("_ignore")) {
      options.push_back(std::move(option));
    }
  }
  std::string out = "### " + std::string(title) + "\n\n" + to_markdown(options);
  if (!refused.empty()) out += "\nRefused, since nothing would act on it yet: " + refused + ".\n";
  return out + "\n";
}

}  // namespace

Reading read_configuration(std::string_view text, const std::string& file,
                           const Environment& environment) {
  Problems problems;
  const Node tree = config::parse_yaml(text, file, problems, kFileLimits);
  return read_tree(tree, problems, environment);
}

Reading read_configuration_file(const std::filesystem::path& path, const Environment& environment) {
  Problems problems;
  const Node tree = config::read_yaml(path, problems, kFileLimits);
  return read_tree(tree, problems, environment);
}

std::string configuration_reference() {
  std::string out =
      section<FileDocument>("The file") + section<ServiceDocument>("Services") +
      section<RouteDocument>("Routes") + section<UpstreamDocument>("Upstreams") +
      section<TargetDocument>("Targets") + section<CertificateDocument>("Certificates") +
      section<CaCertificateDocument>("CA certificates") + section<ServerNameDocument>("SNIs");
  out.pop_back();  // the last empty line
  return out;
}

}  // namespace sinew::gateway
