#include "sinew/proxy/cluster/request_hash.hpp"

#include <algorithm>

#include "sinew/proxy/cluster/mix.hpp"

namespace sinew::proxy {
namespace {

// mix(stable_hash(key)) of a key that comes in pieces: FNV-1a, as in sinew/base/hash.hpp.
class KeyHash {
 public:
  void add(char byte) noexcept {
    hash_ = (hash_ ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
    empty_ = false;
  }
  void add(std::string_view bytes) noexcept {
    for (const char byte : bytes)
      add(byte);
  }
  std::optional<std::uint64_t> value() const noexcept {
    if (empty_) return std::nullopt;
    return mix(hash_);
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
  bool empty_ = true;
};

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The next character of a query's text as it reads when decoded.
char next_decoded(std::string_view& text) noexcept {
  const char c = text.front();
  const int high = c == '%' && text.size() > 2 ? digit_of(text[1]) : -1;
  const int low = high >= 0 ? digit_of(text[2]) : -1;
  text.remove_prefix(low >= 0 ? 3 : 1);
  if (low >= 0) return static_cast<char>(high * 16 + low);
  return c == '+' ? ' ' : c;
}

bool decodes_to(std::string_view text, std::string_view name) noexcept {
  for (; !text.empty() && !name.empty(); name.remove_prefix(1)) {
    if (next_decoded(text) != name.front()) return false;
  }
  return text.empty() && name.empty();
}

// What is before the separator; `text` is left with what is behind.
std::string_view cut(std::string_view& text, char separator) noexcept {
  const auto at = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

void add_header(KeyHash& hash, std::string_view name, wire::Fields fields,
                std::string_view received) noexcept {
  while (const auto* field = wire::find(fields, name, received)) {
    hash.add(field->value.in(received));
    fields = fields.subspan(static_cast<std::size_t>(field - fields.data()) + 1);
  }
}

// The first cookie of the name (RFC 6265, 5.4: user agents send the one of the longest path first).
void add_cookie(KeyHash& hash, std::string_view name, wire::Fields fields,
                std::string_view received) noexcept {
  for (const auto& field : fields) {
    if (field.id != wire::FieldId::cookie) continue;
    auto cookies = field.value.in(received);
    while (!cookies.empty()) {
      auto value = cut(cookies, ';');
      value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
      if (cut(value, '=') == name) return hash.add(value);
    }
  }
}

void add_parameter(KeyHash& hash, std::string_view name, std::string_view query) noexcept {
  while (!query.empty()) {
    auto value = cut(query, '&');
    if (!decodes_to(cut(value, '='), name)) continue;
    while (!value.empty())
      hash.add(next_decoded(value));
  }
}

void add_address(KeyHash& hash, const wire::IpAddress& address) noexcept {
  for (std::size_t i = 0; i < address.size(); ++i)
    hash.add(static_cast<char>(address.bytes[i]));
}

}  // namespace

std::optional<std::uint64_t> hash_of(const HashKey& key, const wire::RequestHead& head,
                                     wire::Bytes received, std::string_view path,
                                     const wire::IpAddress& client) noexcept {
  KeyHash hash;
  const auto text = wire::as_text(received);
  switch (key.source) {
    case HashKey::Source::none: break;
    case HashKey::Source::client_address: add_address(hash, client); break;
    case HashKey::Source::header: add_header(hash, key.name, head.fields(), text); break;
    case HashKey::Source::cookie: add_cookie(hash, key.name, head.fields(), text); break;
    case HashKey::Source::path: hash.add(path); break;
    case HashKey::Source::query: add_parameter(hash, key.name, head.query.in(text)); break;
  }
  return hash.value();
}

std::uint64_t hash_of_cookie(std::string_view value) noexcept {
  KeyHash hash;
  hash.add(value);
  return hash.value().value_or(0);
}

std::optional<std::uint64_t> hash_of(const ClusterSettings& settings, const wire::RequestHead& head,
                                     wire::Bytes received, std::string_view path,
                                     const wire::IpAddress& client) noexcept {
  const auto hash = hash_of(settings.hash, head, received, path, client);
  return hash ? hash : hash_of(settings.hash_fallback, head, received, path, client);
}

}  // namespace sinew::proxy
