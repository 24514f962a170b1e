#include "sinew/wire/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;
using Source = ProxyHeader::Source;

constexpr std::string_view kLineStart = "PROXY ";
constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kFixedBytes = 16;  // signature, version and command, family, length
constexpr std::size_t kUnixPathBytes = 108;
constexpr std::size_t kMaxUniqueId = 128;

enum Tlv : std::uint8_t { kAuthority = 0x02, kCrc32c = 0x03, kUniqueId = 0x05, kSsl = 0x20 };

std::uint16_t two_bytes(std::string_view text, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(text[at]) << 8U |
                                    static_cast<unsigned char>(text[at + 1]));
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  const bool canonical = !text.empty() && all(text, kDigit) && (text[0] != '0' || text.size() == 1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return canonical && read.ec == std::errc();
}

// The part of `line` up to its next space; `line` keeps what is behind it.
std::string_view take_word(std::string_view& line) noexcept {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool parse_addresses(std::string_view line, IpAddress::Family family,
                     ProxyHeader& header) noexcept {
  if (std::ranges::count(line, ' ') != 3) return false;
  const auto client = parse_ip(take_word(line));
  const auto server = parse_ip(take_word(line));
  if (!client || !server || client->family != family || server->family != family) return false;
  header.source = Source::ip;
  header.client = *client;
  header.server = *server;
  return parse_port(take_word(line), header.client_port) && parse_port(line, header.server_port);
}

// `line` is what stands between "PROXY " and CRLF.
bool parse_line(std::string_view line, ProxyHeader& header) noexcept {
  const std::string_view protocol = line.substr(0, line.find(' '));
  if (protocol == "UNKNOWN") return true;  // what follows is to be ignored up to the CRLF
  if (protocol.size() == line.size()) return false;
  line.remove_prefix(protocol.size() + 1);
  if (protocol == "TCP4") return parse_addresses(line, IpAddress::Family::v4, header);
  if (protocol == "TCP6") return parse_addresses(line, IpAddress::Family::v6, header);
  return false;
}

Progress parse_version_1(std::string_view text, ProxyHeader& header, Fault& fault) noexcept {
  const std::size_t feed = text.substr(0, kProxyLineBytes).find('\n');
  if (feed == std::string_view::npos) {
    if (text.size() < kProxyLineBytes) return Progress::incomplete;
    fault = Fault::proxy_header_too_long;
    return Progress::refused;
  }
  header.version = 1;
  header.bytes = static_cast<std::uint32_t>(feed) + 1;
  const std::string_view line = text.substr(kLineStart.size(), feed - kLineStart.size());
  if (line.ends_with('\r') && parse_line(line.substr(0, line.size() - 1), header)) {
    return Progress::complete;
  }
  fault = Fault::bad_proxy_header;
  return Progress::refused;
}

IpAddress take_ip(std::string_view bytes, IpAddress::Family family) noexcept {
  IpAddress address;
  address.family = family;
  std::memcpy(address.bytes.data(), bytes.data(), address.size());
  return address;
}

Slice unix_path(std::string_view text, std::size_t at) noexcept {
  const std::string_view path = text.substr(at, kUnixPathBytes);
  const bool abstract = path.front() == '\0';
  const std::size_t end = abstract ? path.find_last_not_of('\0') + 1 : path.find('\0');
  return {static_cast<std::uint32_t>(at),
          static_cast<std::uint32_t>(std::min(end, kUnixPathBytes))};
}

// The addresses behind the fixed part; returns where the TLVs begin, or 0 where they do not fit.
std::size_t take_addresses(std::string_view text, std::uint8_t family, bool local,
                           ProxyHeader& header) noexcept {
  constexpr std::uint8_t kTcp4 = 0x11;
  constexpr std::uint8_t kTcp6 = 0x21;
  constexpr std::uint8_t kUnixStream = 0x31;
  const bool unix_stream = family == kUnixStream;
  const std::size_t length = family == kTcp4   ? 4
                             : family == kTcp6 ? 16
                             : unix_stream     ? kUnixPathBytes
                                               : 0;
  // Of an unspecified family nobody knows where the addresses end; all is skipped.
  if (length == 0) return family == 0 || local ? text.size() : 0;
  const std::size_t end = kFixedBytes + 2 * length + (unix_stream ? 0 : 4);
  if (end > text.size()) return local ? text.size() : 0;
  if (local) return end;
  header.source = unix_stream ? Source::unix_socket : Source::ip;
  if (unix_stream) {
    header.client_path = unix_path(text, kFixedBytes);
    header.server_path = unix_path(text, kFixedBytes + length);
    return end;
  }
  const auto kind = family == kTcp4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
  header.client = take_ip(text.substr(kFixedBytes), kind);
  header.server = take_ip(text.substr(kFixedBytes + length), kind);
  header.client_port = two_bytes(text, end - 4);
  header.server_port = two_bytes(text, end - 2);
  return end;
}

// CRC32c (RFC 3720, section B.4) of the header, the four bytes at `checksum` taken for zero.
std::uint32_t crc32c(std::string_view text, std::size_t checksum) noexcept {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;
  std::uint32_t crc = 0xffffffff;
  for (std::size_t at = 0; at < text.size(); ++at) {
    crc ^= at - checksum < 4 ? 0 : static_cast<unsigned char>(text[at]);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ (kPolynomial & (0U - (crc & 1U)));
  }
  return ~crc;
}

Fault take_tlv(std::string_view text, std::uint8_t type, Slice value,
               ProxyHeader& header) noexcept {
  switch (type) {
    case kAuthority: header.authority = value; break;
    case kSsl: header.ssl = value; break;
    case kUniqueId:
      if (value.length > kMaxUniqueId) return Fault::bad_proxy_header;
      header.unique_id = value;
      break;
    case kCrc32c: {
      if (value.length != 4) return Fault::bad_proxy_header;
      const std::uint32_t stated =
          std::uint32_t{two_bytes(text, value.offset)} << 16U | two_bytes(text, value.offset + 2);
      if (crc32c(text, value.offset) != stated) return Fault::bad_proxy_checksum;
      break;
    }
    default: break;
  }
  return Fault::none;
}

Fault take_tlvs(std::string_view text, std::size_t at, ProxyHeader& header) noexcept {
  constexpr std::size_t kTlvBytes = 3;
  while (at < text.size()) {
    if (text.size() - at < kTlvBytes) return Fault::bad_proxy_header;
    const std::uint16_t length = two_bytes(text, at + 1);
    const auto type = static_cast<std::uint8_t>(text[at]);
    at += kTlvBytes;
    if (length > text.size() - at) return Fault::bad_proxy_header;
    const Fault fault = take_tlv(text, type, {static_cast<std::uint32_t>(at), length}, header);
    if (fault != Fault::none) return fault;
    at += length;
  }
  return Fault::none;
}

// `text` is the whole header.
Fault parse_binary(std::string_view text, ProxyHeader& header) noexcept {
  constexpr std::uint8_t kLocal = 0x20;
  constexpr std::uint8_t kProxied = 0x21;
  const auto command = static_cast<std::uint8_t>(text[12]);
  if (command != kLocal && command != kProxied) return Fault::bad_proxy_header;
  header.version = 2;
  header.bytes = static_cast<std::uint32_t>(text.size());
  const auto family = static_cast<std::uint8_t>(text[13]);
  const std::size_t tlvs = take_addresses(text, family, command == kLocal, header);
  return tlvs == 0 ? Fault::bad_proxy_header : take_tlvs(text, tlvs, header);
}

Progress parse_version_2(std::string_view text, std::uint32_t most, ProxyHeader& header,
                         Fault& fault) noexcept {
  if (text.size() < kFixedBytes) return Progress::incomplete;
  const std::size_t size = kFixedBytes + two_bytes(text, 14);
  if (size > most) {
    fault = Fault::proxy_header_too_long;
    return Progress::refused;
  }
  if (text.size() < size) return Progress::incomplete;
  fault = parse_binary(text.substr(0, size), header);
  return fault == Fault::none ? Progress::complete : Progress::refused;
}

bool begins(std::string_view text, std::string_view start) noexcept {
  return text.substr(0, start.size()) == start.substr(0, text.size());
}

// Puts one thing behind the other into a bounded buffer; what does not fit is seen at the end.
class Output {
 public:
  explicit Output(std::span<std::byte> out) noexcept : out_(out) {}

  void put(std::string_view text) noexcept {
    fits_ = fits_ && text.size() <= out_.size() - size_;
    if (!fits_ || text.empty()) return;
    std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void put_byte(std::size_t value) noexcept {
    const char byte = static_cast<char>(value);
    put({&byte, 1});
  }
  void put_two(std::size_t value) noexcept {
    put_byte(value >> 8U);
    put_byte(value & 0xffU);
  }
  void put_port(std::uint16_t port) noexcept {
    std::array<char, 5> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), port).ptr;
    put({text.data(), static_cast<std::size_t>(end - text.data())});
  }
  void put_text(const IpAddress& address) noexcept {
    std::array<char, kIpTextBytes> text;
    put(write_ip(address, text));
  }
  void put_bytes(const IpAddress& address) noexcept {
    put(as_text(std::as_bytes(std::span(address.bytes).first(address.size()))));
  }

  std::expected<Bytes, Fault> written() const noexcept {
    if (!fits_) return std::unexpected(Fault::no_space);
    return Bytes(out_.first(size_));
  }

 private:
  std::span<std::byte> out_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

bool families_differ(const std::optional<ProxiedConnection>& connection) noexcept {
  return connection && connection->client.family != connection->server.family;
}

}  // namespace

Progress parse_proxy_header(Bytes received, const ProxyProtocolRules& rules, ProxyHeader& header,
                            Fault& fault) noexcept {
  const std::string_view text = as_text(received);
  header = {};
  fault = Fault::none;
  if (rules.version_1 && begins(text, kLineStart)) {
    return text.size() < kLineStart.size() ? Progress::incomplete
                                           : parse_version_1(text, header, fault);
  }
  if (rules.version_2 && begins(text, kSignature)) {
    return parse_version_2(text, rules.version_2_bytes, header, fault);
  }
  fault = Fault::not_proxy_protocol;
  return Progress::refused;
}

std::expected<Bytes, Fault> write_proxy_v1(const std::optional<ProxiedConnection>& connection,
                                           std::span<std::byte> out) noexcept {
  if (families_differ(connection)) return std::unexpected(Fault::bad_proxy_header);
  Output output(out);
  output.put(kLineStart);
  if (!connection) {
    output.put("UNKNOWN");
  } else {
    output.put(connection->client.family == IpAddress::Family::v4 ? "TCP4 " : "TCP6 ");
    output.put_text(connection->client);
    output.put(" ");
    output.put_text(connection->server);
    output.put(" ");
    output.put_port(connection->client_port);
    output.put(" ");
    output.put_port(connection->server_port);
  }
  output.put("\r\n");
  return output.written();
}

std::expected<Bytes, Fault> write_proxy_v2(const std::optional<ProxiedConnection>& connection,
                                           std::string_view authority,
                                           std::span<std::byte> out) noexcept {
  constexpr std::size_t kMaxAuthority = 255;
  if (families_differ(connection) || authority.size() > kMaxAuthority) {
    return std::unexpected(Fault::bad_proxy_header);
  }
  const bool v4 = connection && connection->client.family == IpAddress::Family::v4;
  const std::size_t addresses = connection ? 2 * connection->client.size() + 4 : 0;
  Output output(out);
  output.put(kSignature);
  output.put_byte(connection ? 0x21 : 0x20);
  output.put_byte(!connection ? 0x00 : v4 ? 0x11 : 0x21);
  output.put_two(addresses + (authority.empty() ? 0 : 3 + authority.size()));
  if (connection) {
    output.put_bytes(connection->client);
    output.put_bytes(connection->server);
    output.put_two(connection->client_port);
    output.put_two(connection->server_port);
  }
  if (!authority.empty()) {
    output.put_byte(kAuthority);
    output.put_two(authority.size());
    output.put(authority);
  }
  return output.written();
}

}  // namespace sinew::wire
