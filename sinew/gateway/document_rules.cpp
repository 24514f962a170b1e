#include "sinew/gateway/document_rules.hpp"

namespace sinew::gateway {

using config::Node;

void EntityListRule::read(const Node& node, void* value, config::Walk& walk) const {
  if (node.kind() != Node::Kind::list) return walk.mismatch(to_string(node.kind()), accepts());
  static_cast<EntityList*>(value)->node = &node;
}

void ReferenceRule::read(const Node& node, void* value, config::Walk& walk) const {
  static_cast<Reference*>(value)->given = true;
  const Node* named = &node;
  if (node.kind() == Node::Kind::map) {
    const auto& entries = node.children();
    const bool fits =
        entries.size() == 1 && (entries[0].key().name == "name" || entries[0].key().name == "id");
    if (!fits) return walk.mismatch("another map", accepts());
    named = &entries[0];
  }
  if (named->kind() != Node::Kind::scalar || named->text().empty()) {
    return walk.mismatch(to_string(named->kind()), accepts());
  }
  *static_cast<Reference*>(value) = {named->text(), true, named->position()};
}

void NotSupportedRule::read(const Node&, void*, config::Walk& walk) const {
  walk.fail("is known to Kong and not supported yet: remove it, nothing would act on it");
}

void PemRule::read(const Node& node, void* value, config::Walk& walk) const {
  const auto* text = scalar_text(node, walk, accepts());
  if (text == nullptr) return;
  if (text->starts_with("{vault://")) {
    return walk.fail(
        "references to Kong's vaults are not supported: give the PEM text, or a file or an "
        "environment variable as sinew: {cert: file:/path, key: env:NAME}");
  }
  const auto begin = text->find("-----BEGIN ");
  if (begin == std::string::npos || text->find("-----END ", begin) == std::string::npos) {
    return walk.mismatch("another text", accepts());
  }
  static_cast<Pem*>(value)->text = Secret(*text);
}

}  // namespace sinew::gateway
