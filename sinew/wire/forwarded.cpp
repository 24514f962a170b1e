#include "sinew/wire/forwarded.hpp"

#include <algorithm>
#include <cstring>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

// The last hops seen, in the order they came: a ring that is turned round at the end.
class LastHops {
 public:
  void add(const ForwardedHop& hop) noexcept { ring_[seen_++ % kMaxForwardedHops] = hop; }

  // What came before is not believed any more.
  void forget() noexcept { seen_ = 0; }

  ForwardedHops newest_first() const noexcept {
    ForwardedHops way;
    way.count = std::min(seen_, kMaxForwardedHops);
    for (std::size_t i = 0; i < way.count; ++i)
      way.storage[i] = ring_[(seen_ - 1 - i) % kMaxForwardedHops];
    return way;
  }

 private:
  std::array<ForwardedHop, kMaxForwardedHops> ring_;
  std::size_t seen_ = 0;
};

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && all(text, kDigit);
}

// node = nodename [":" port], an IPv6 address in brackets; X-Forwarded-For also has it bare.
void take_node(std::string_view text, ForwardedHop& hop) noexcept {
  hop.node = text;
  hop.address = parse_ip(text);
  if (hop.address || text.empty()) return;
  std::string_view rest;
  if (text.front() == '[') {
    const std::size_t close = std::min(text.find(']'), text.size());
    hop.node = text.substr(1, close - 1);
    rest = text.substr(std::min(close + 1, text.size()));
    if (hop.node.find(':') == std::string_view::npos) return;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    hop.node = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)))) {
    hop.address = parse_ip(hop.node);
  }
}

// Takes apart `name=value;name="value", ...`.
class ElementReader {
 public:
  explicit ElementReader(std::string_view text) noexcept : rest_(text) {}

  // The next element, empty ones skipped. False at the end, and where the text is malformed.
  bool next(ForwardedHop& hop) noexcept {
    hop = {};
    while (skip_spaces(), take(','))
      ;
    if (rest_.empty()) return false;
    do {
      skip_spaces();
      if (!pair(hop)) return fail();
      skip_spaces();
    } while (take(';'));
    take_node(hop.node, hop);
    return rest_.empty() || take(',') ? true : fail();
  }

  bool malformed() const noexcept { return malformed_; }

 private:
  bool fail() noexcept {
    malformed_ = true;
    return false;
  }
  bool take(char c) noexcept {
    const bool there = rest_.starts_with(c);
    if (there) rest_.remove_prefix(1);
    return there;
  }
  void skip_spaces() noexcept {
    while (rest_.starts_with(' ') || rest_.starts_with('\t'))
      rest_.remove_prefix(1);
  }

  bool pair(ForwardedHop& hop) noexcept {
    const std::string_view name = rest_.substr(0, run(rest_, kToken));
    rest_.remove_prefix(name.size());
    std::string_view value;
    if (name.empty() || !take('=') || !take_value(value)) return false;
    std::string_view* known = iequals(name, "for")     ? &hop.node
                              : iequals(name, "proto") ? &hop.proto
                              : iequals(name, "host")  ? &hop.host
                                                       : nullptr;
    if (known == nullptr) return true;
    if (!known->empty()) return false;  // RFC 7239, section 4: each once
    *known = value;
    return true;
  }

  bool take_value(std::string_view& value) noexcept {
    if (!take('"')) {
      value = rest_.substr(0, run(rest_, kToken));
      rest_.remove_prefix(value.size());
      return !value.empty();
    }
    // Escapes would have to be copied out; nothing that stands here honestly needs one.
    const std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos || rest_[end] == '\\') return false;
    value = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest_;
  bool malformed_ = false;
};

// Puts text behind text into a bounded span.
class Text {
 public:
  explicit Text(std::span<char> out) noexcept : out_(out) {}

  void put(std::string_view text) noexcept {
    fits_ = fits_ && text.size() <= out_.size() - size_;
    if (!fits_ || text.empty()) return;
    std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void put(const IpAddress& address) noexcept {
    std::array<char, kIpTextBytes> text;
    put(write_ip(address, text));
  }

  bool empty() const noexcept { return size_ == 0; }
  std::expected<std::string_view, Fault> written() const noexcept {
    if (!fits_) return std::unexpected(Fault::no_space);
    return std::string_view(out_.data(), size_);
  }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

// The last value of the last line called so.
std::string_view last_element(const Head& head, std::string_view buffer, FieldId id) noexcept {
  std::string_view last;
  for (const Field& field : head.fields()) {
    if (field.id != id) continue;
    std::string_view list = field.value.in(buffer);
    while (detail::next_list_element(list, last)) {
    }
  }
  return last;
}

}  // namespace

ForwardedHops read_forwarded(const Head& head, Bytes buffer) noexcept {
  LastHops last;
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::forwarded) continue;
    ElementReader reader(field.value.in(buffer));
    ForwardedHop hop;
    while (reader.next(hop))
      last.add(hop);
    if (reader.malformed()) last.forget();
  }
  return last.newest_first();
}

ForwardedHops read_x_forwarded(const Head& head, Bytes bytes) noexcept {
  const std::string_view buffer = as_text(bytes);
  LastHops last;
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::x_forwarded_for) continue;
    std::string_view list = field.value.in(buffer);
    std::string_view element;
    while (detail::next_list_element(list, element)) {
      ForwardedHop hop;
      take_node(element, hop);
      last.add(hop);
    }
  }
  ForwardedHops way = last.newest_first();
  if (way.count > 0) {
    way.storage[0].proto = last_element(head, buffer, FieldId::x_forwarded_proto);
    way.storage[0].host = last_element(head, buffer, FieldId::x_forwarded_host);
  }
  return way;
}

const ForwardedHop* client_behind(const ForwardedHops& way, std::size_t proxies) noexcept {
  return proxies == 0 || proxies > way.count ? nullptr : &way.storage[proxies - 1];
}

FieldSet forwarding_fields(const Head& head, Bytes bytes) noexcept {
  constexpr std::string_view kPrefix = "x-forwarded-";
  const std::string_view buffer = as_text(bytes);
  FieldSet set;
  const Fields fields = head.fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i].name.in(buffer);
    const bool claims = fields[i].id == FieldId::forwarded ||
                        iequals(name.substr(0, kPrefix.size()), kPrefix) ||
                        iequals(name, "x-real-ip");
    if (claims) set.insert(i);
  }
  return set;
}

std::expected<std::string_view, Fault> write_forwarded(const SeenHop& hop,
                                                       std::span<char> out) noexcept {
  const bool v6 = hop.client.family == IpAddress::Family::v6;
  Text text(out);
  text.put(v6 ? "for=\"[" : "for=");
  text.put(hop.client);
  text.put(v6 ? "]\";proto=" : ";proto=");
  text.put(hop.proto);
  if (!hop.host.empty()) {
    const bool quoted = !is_token(hop.host);
    if (hop.host.find_first_of("\"\\") != std::string_view::npos || !is_field_text(hop.host)) {
      return std::unexpected(Fault::bad_host);
    }
    text.put(quoted ? ";host=\"" : ";host=");
    text.put(hop.host);
    if (quoted) text.put("\"");
  }
  return text.written();
}

std::expected<std::string_view, Fault> write_x_forwarded_for(const Head& head, Bytes buffer,
                                                             bool peer_trusted,
                                                             const IpAddress& peer,
                                                             std::span<char> out) noexcept {
  Text text(out);
  for (const Field& field : head.fields()) {
    if (!peer_trusted || field.id != FieldId::x_forwarded_for || field.value.empty()) continue;
    text.put(field.value.in(buffer));
    text.put(", ");
  }
  text.put(peer);
  return text.written();
}

}  // namespace sinew::wire
