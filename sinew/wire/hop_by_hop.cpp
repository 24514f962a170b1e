#include "sinew/wire/hop_by_hop.hpp"

#include <algorithm>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

bool ends_here(FieldId id) noexcept {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
  }
}

// The fields called `name` which the list takes into Connection's scope.
void insert_named(Fields fields, std::string_view buffer, std::string_view name,
                  FieldSet& set) noexcept {
  if (identify_field(name) != FieldId::other) return;  // hop by hop anyway, or not to be removed
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id == FieldId::other && iequals(fields[i].name.in(buffer), name)) set.insert(i);
  }
}

FieldSet common_fields(const Head& head, std::string_view buffer) noexcept {
  FieldSet set;
  const Fields fields = head.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (ends_here(field.id)) set.insert(i);
    if (field.id == FieldId::other && is_field_alias(field.name.in(buffer))) set.insert(i);
    if (field.id != FieldId::connection) continue;
    for_each_token(field.value.in(buffer), [&](std::string_view name) {
      insert_named(fields, buffer, name, set);
      return true;
    });
  }
  return set;
}

// The value of the only field of that id.
std::optional<std::string_view> only_value(const Head& head, std::string_view buffer,
                                           FieldId id) noexcept {
  const Field* found = find(head.fields(), id);
  const auto count = std::ranges::count(head.fields(), id, &Field::id);
  if (found == nullptr || count != 1) return std::nullopt;
  return found->value.in(buffer);
}

// protocol-name ["/" protocol-version], RFC 9110, section 7.8.
bool is_protocol(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_token(text);
  return is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

bool connection_lists(const Head& head, std::string_view buffer, std::string_view option) noexcept {
  return std::ranges::any_of(head.fields(), [&](const Field& field) {
    return field.id == FieldId::connection && lists_token(field.value.in(buffer), option);
  });
}

// received-by of one of Via's elements: `[ name "/" ] version SP received-by [ SP comment ]`.
std::string_view received_by(std::string_view element) noexcept {
  const std::size_t space = element.find(' ');
  if (space == std::string_view::npos) return {};
  element.remove_prefix(std::min(element.find_first_not_of(' ', space), element.size()));
  return element.substr(0, element.find(' '));
}

}  // namespace

bool is_field_alias(std::string_view name) noexcept {
  constexpr std::size_t kLongestKnown = 19;
  if (name.size() > kLongestKnown || name.find('_') == std::string_view::npos) return false;
  std::array<char, kLongestKnown> dashed;
  std::ranges::replace_copy(name, dashed.begin(), '_', '-');
  return identify_field({dashed.data(), name.size()}) != FieldId::other;
}

FieldSet hop_by_hop(const RequestHead& head, Bytes bytes) noexcept {
  FieldSet set = common_fields(head, as_text(bytes));
  if (head.expects_continue) return set;
  const Fields fields = head.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].id == FieldId::expect) set.insert(i);
  }
  return set;
}

FieldSet hop_by_hop(const AnswerHead& head, Bytes bytes) noexcept {
  return common_fields(head, as_text(bytes));
}

bool accepts_trailers(const RequestHead& head, Bytes bytes) noexcept {
  const std::string_view buffer = as_text(bytes);
  const auto value = only_value(head, buffer, FieldId::te);
  return value && lists_token(*value, "trailers") && connection_lists(head, buffer, "te");
}

std::optional<std::string_view> requested_upgrade(const RequestHead& head, Bytes bytes) noexcept {
  const bool plain_get = head.method == Method::get && head.version == Version::http_1_1 &&
                         head.framing.kind == Framing::Kind::none;
  if (!plain_get || !head.upgrade) return std::nullopt;
  const auto value = only_value(head, as_text(bytes), FieldId::upgrade);
  return value && is_protocol(*value) ? value : std::nullopt;
}

bool grants_upgrade(const AnswerHead& head, Bytes bytes, std::string_view requested) noexcept {
  if (head.status != 101 || head.version != Version::http_1_1 || !head.upgrade) return false;
  const auto value = only_value(head, as_text(bytes), FieldId::upgrade);
  return value && iequals(*value, requested);
}

bool passed_through(const Head& head, Bytes bytes, std::string_view pseudonym) noexcept {
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::via) continue;
    std::string_view list = field.value.in(bytes);
    std::string_view element;
    while (detail::next_list_element(list, element)) {
      if (iequals(received_by(element), pseudonym)) return true;
    }
  }
  return false;
}

}  // namespace sinew::wire
