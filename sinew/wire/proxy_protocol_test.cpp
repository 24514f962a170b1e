#include "sinew/wire/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;
using Source = ProxyHeader::Source;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kIpv4 = "\x0a\x00\x00\x01\xc0\x00\x02\x07\x04\xd2\x01\xbb"s;

std::string binary(unsigned command, unsigned family, const std::string& rest) {
  return kSignature + static_cast<char>(command) + static_cast<char>(family) +
         static_cast<char>(rest.size() >> 8U) + static_cast<char>(rest.size() & 0xffU) + rest;
}

struct Outcome {
  Progress progress;
  Fault fault;
  ProxyHeader header;
};

Outcome read(std::string_view text, const ProxyProtocolRules& rules = {}) {
  Outcome outcome;
  outcome.progress = parse_proxy_header(as_bytes(text), rules, outcome.header, outcome.fault);
  return outcome;
}

std::string text_of(const IpAddress& address) {
  std::array<char, kIpTextBytes> out;
  return std::string(write_ip(address, out));
}

// Fed byte by byte, the verdict comes out as it does in one piece; a refusal may come earlier, and
// completion comes with the header's last byte.
void expect_same_for_every_split(const std::string& text, const ProxyProtocolRules& rules = {}) {
  const Outcome whole = read(text, rules);
  bool decided = false;
  for (std::size_t length = 0; length <= text.size() && !decided; ++length) {
    const Outcome part = read(std::string_view(text).substr(0, length), rules);
    decided = part.progress != Progress::incomplete;
    if (!decided) continue;
    EXPECT_EQ(part.progress, whole.progress) << "after " << length;
    EXPECT_EQ(part.fault, whole.fault) << "after " << length;
    EXPECT_EQ(part.header.bytes, whole.header.bytes) << "after " << length;
    if (part.progress == Progress::complete) {
      EXPECT_EQ(length, whole.header.bytes);
    }
  }
  EXPECT_EQ(decided, whole.progress != Progress::incomplete);
}

TEST(ProxyProtocol, Version1TellsBothEnds) {
  const std::string text = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n";

  const Outcome outcome = read(text);

  ASSERT_EQ(outcome.progress, Progress::complete);
  EXPECT_EQ(outcome.header.version, 1);
  EXPECT_EQ(outcome.header.source, Source::ip);
  EXPECT_EQ(text_of(outcome.header.client), "192.0.2.7");
  EXPECT_EQ(text_of(outcome.header.server), "198.51.100.1");
  EXPECT_EQ(outcome.header.client_port, 56324);
  EXPECT_EQ(outcome.header.server_port, 443);
  EXPECT_EQ(text.substr(outcome.header.bytes), "GET / HTTP/1.1\r\n");
}

TEST(ProxyProtocol, Version1TakesIpv6AndUnknown) {
  const Outcome six = read("PROXY TCP6 2001:db8::7 ::1 1 65535\r\n");
  const Outcome unknown = read("PROXY UNKNOWN\r\n");
  const Outcome unknown_with_rest = read("PROXY UNKNOWN ffff::1 any thing 0 0\r\n");

  ASSERT_EQ(six.progress, Progress::complete);
  EXPECT_EQ(text_of(six.header.client), "2001:db8::7");
  EXPECT_EQ(six.header.server_port, 65535);
  EXPECT_EQ(unknown.progress, Progress::complete);
  EXPECT_EQ(unknown.header.source, Source::connection);
  EXPECT_EQ(unknown_with_rest.progress, Progress::complete);
}

TEST(ProxyProtocol, Version2TellsBothEndsAndTheTlvsThatAreRead) {
  const std::string tlvs =
      "\x01\x00\x02h2\x02\x00\x04shop\x20\x00\x03ssl\x05\x00\x02id\xee\x00\x00"s;
  const std::string text = binary(0x21, 0x11, kIpv4 + tlvs) + "rest";

  const Outcome outcome = read(text);

  ASSERT_EQ(outcome.progress, Progress::complete);
  EXPECT_EQ(outcome.header.version, 2);
  EXPECT_EQ(text_of(outcome.header.client), "10.0.0.1");
  EXPECT_EQ(text_of(outcome.header.server), "192.0.2.7");
  EXPECT_EQ(outcome.header.client_port, 1234);
  EXPECT_EQ(outcome.header.server_port, 443);
  EXPECT_EQ(outcome.header.authority.in(text), "shop");
  EXPECT_EQ(outcome.header.ssl.in(text), "ssl");
  EXPECT_EQ(outcome.header.unique_id.in(text), "id");
  EXPECT_EQ(text.substr(outcome.header.bytes), "rest");
}

TEST(ProxyProtocol, Version2TakesLocalUnspecifiedAndUnixSockets) {
  const std::string named = "/run/a"s + std::string(102, '\0');
  const std::string abstract = "\0b"s + std::string(106, '\0');
  const std::string unix_text = binary(0x21, 0x31, named + abstract);

  const Outcome local = read(binary(0x20, 0x00, ""));
  const Outcome local_with_address = read(binary(0x20, 0x11, kIpv4));
  const Outcome unspecified = read(binary(0x21, 0x00, "anything"));
  const Outcome unix_socket = read(unix_text);

  EXPECT_EQ(local.progress, Progress::complete);
  EXPECT_EQ(local.header.source, Source::connection);
  EXPECT_EQ(local_with_address.progress, Progress::complete);
  EXPECT_EQ(local_with_address.header.source, Source::connection);
  EXPECT_EQ(unspecified.progress, Progress::complete);
  EXPECT_EQ(unspecified.header.source, Source::connection);
  ASSERT_EQ(unix_socket.progress, Progress::complete);
  EXPECT_EQ(unix_socket.header.client_path.in(unix_text), "/run/a");
  EXPECT_EQ(unix_socket.header.server_path.in(unix_text), "\0b"sv);
}

TEST(ProxyProtocol, Version2ChecksItsChecksumWhereThereIsOne) {
  const std::string whole = binary(0x21, 0x11, kIpv4 + "\x03\x00\x04\x00\x00\x00\x00"s);
  const std::string before = whole.substr(0, whole.size() - 4);
  // By another implementation, whose CRC32c of "123456789" is RFC 3720's e3069283.
  const std::string checksum = "kj\xa3\xcc";

  EXPECT_EQ(read(before + checksum).progress, Progress::complete);
  EXPECT_EQ(read(before + "\x00\x00\x00\x00"s).fault, Fault::bad_proxy_checksum);
}

struct Refusal {
  const char* name;
  std::string text;
  Fault fault;
};

const Refusal kRefusals[] = {
    {"http", "GET / HTTP/1.1\r\n", Fault::not_proxy_protocol},
    {"tls", "\x16\x03\x01", Fault::not_proxy_protocol},
    {"lower_case", "proxy TCP4 ", Fault::not_proxy_protocol},
    {"tab", "PROXY\tTCP4", Fault::not_proxy_protocol},
    {"signature_broken", "\r\n\r\n\0\r\nQUIT\r"s, Fault::not_proxy_protocol},
    {"no_protocol", "PROXY \r\n", Fault::bad_proxy_header},
    {"other_protocol", "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", Fault::bad_proxy_header},
    {"no_addresses", "PROXY TCP4\r\n", Fault::bad_proxy_header},
    {"bare_line_feed", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", Fault::bad_proxy_header},
    {"two_spaces", "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", Fault::bad_proxy_header},
    {"space_at_end", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", Fault::bad_proxy_header},
    {"other_family", "PROXY TCP4 ::1 ::1 1 1\r\n", Fault::bad_proxy_header},
    {"mixed_families", "PROXY TCP6 ::1 1.2.3.4 1 1\r\n", Fault::bad_proxy_header},
    {"leading_zero", "PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n", Fault::bad_proxy_header},
    {"octet_too_large", "PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n", Fault::bad_proxy_header},
    {"three_octets", "PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n", Fault::bad_proxy_header},
    {"zone", "PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n", Fault::bad_proxy_header},
    {"brackets", "PROXY TCP6 [::1] ::1 1 1\r\n", Fault::bad_proxy_header},
    {"port_too_large", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", Fault::bad_proxy_header},
    {"port_leading_zero", "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", Fault::bad_proxy_header},
    {"port_signed", "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", Fault::bad_proxy_header},
    {"port_missing", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Fault::bad_proxy_header},
    {"nul", "PROXY TCP4 1.2.3.4\0 1.2.3.4 1 1\r\n"s, Fault::bad_proxy_header},
    {"line_too_long", "PROXY UNKNOWN " + std::string(120, 'x') + "\r\n",
     Fault::proxy_header_too_long},
    {"version_1_in_2", binary(0x11, 0x11, kIpv4), Fault::bad_proxy_header},
    {"other_command", binary(0x22, 0x11, kIpv4), Fault::bad_proxy_header},
    {"datagram", binary(0x21, 0x12, kIpv4), Fault::bad_proxy_header},
    {"unknown_family", binary(0x21, 0x41, kIpv4), Fault::bad_proxy_header},
    {"addresses_cut", binary(0x21, 0x11, kIpv4.substr(1)), Fault::bad_proxy_header},
    {"ipv6_cut", binary(0x21, 0x21, kIpv4), Fault::bad_proxy_header},
    {"tlv_cut", binary(0x21, 0x11, kIpv4 + "\x02\x00"s), Fault::bad_proxy_header},
    {"tlv_beyond_end", binary(0x21, 0x11, kIpv4 + "\x02\x00\x05shop"s), Fault::bad_proxy_header},
    {"checksum_of_three_bytes", binary(0x21, 0x11, kIpv4 + "\x03\x00\x03xyz"s),
     Fault::bad_proxy_header},
    {"unique_id_too_long", binary(0x21, 0x11, kIpv4 + "\x05\x00\x81"s + std::string(129, 'u')),
     Fault::bad_proxy_header},
    {"longer_than_limit", binary(0x21, 0x11, kIpv4 + std::string(5000, '\0')),
     Fault::proxy_header_too_long},
};

TEST(ProxyProtocol, RefusesWhatIsNotExactlyOneForEverySplit) {
  for (const Refusal& example : kRefusals) {
    SCOPED_TRACE(example.name);

    const Outcome outcome = read(example.text);

    EXPECT_EQ(outcome.progress, Progress::refused);
    EXPECT_EQ(to_string(outcome.fault), to_string(example.fault));
    expect_same_for_every_split(example.text);
  }
}

TEST(ProxyProtocol, GoodHeadersAreReadForEverySplit) {
  expect_same_for_every_split("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET /");
  expect_same_for_every_split("PROXY UNKNOWN\r\nGET /");
  expect_same_for_every_split(binary(0x21, 0x11, kIpv4 + "\x02\x00\x04shop"s) + "GET /");
  expect_same_for_every_split(binary(0x20, 0x00, "") + "GET /");
}

TEST(ProxyProtocol, OnlyTheVersionsThatAreAllowedAreRead) {
  const ProxyProtocolRules only_1 = {.version_2 = false};
  const ProxyProtocolRules only_2 = {.version_1 = false};

  EXPECT_EQ(read(kSignature, only_1).fault, Fault::not_proxy_protocol);
  EXPECT_EQ(read("PROXY ", only_2).fault, Fault::not_proxy_protocol);
}

ProxiedConnection connection(std::string_view client, std::string_view server) {
  return {*parse_ip(client), *parse_ip(server), 40000, 8443};
}

TEST(ProxyProtocol, WhatIsWrittenIsReadBack) {
  for (const auto& [client, server] :
       {std::pair{"192.0.2.7"sv, "10.0.0.1"sv}, std::pair{"2001:db8::7"sv, "::1"sv}}) {
    const ProxiedConnection written = connection(client, server);
    std::array<std::byte, 512> out;

    const auto line = write_proxy_v1(written, out);
    ASSERT_TRUE(line);
    const Outcome one = read(as_text(*line));
    EXPECT_EQ(one.header.client, written.client);
    EXPECT_EQ(one.header.server, written.server);
    EXPECT_EQ(one.header.client_port, 40000);

    const auto bytes = write_proxy_v2(written, "shop.example", out);
    ASSERT_TRUE(bytes);
    const Outcome two = read(as_text(*bytes));
    EXPECT_EQ(two.header.client, written.client);
    EXPECT_EQ(two.header.server, written.server);
    EXPECT_EQ(two.header.server_port, 8443);
    EXPECT_EQ(two.header.authority.in(as_text(*bytes)), "shop.example");
    EXPECT_EQ(two.header.bytes, bytes->size());
  }
}

TEST(ProxyProtocol, WritesUnknownAndLocal) {
  std::array<std::byte, 64> out;

  EXPECT_EQ(as_text(*write_proxy_v1(std::nullopt, out)), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(as_text(*write_proxy_v2(std::nullopt, "", out)), binary(0x20, 0x00, ""));
}

TEST(ProxyProtocol, WriterRefusesMixedFamiliesLongNamesAndTooLittleRoom) {
  std::array<std::byte, 512> out;
  const ProxiedConnection mixed = connection("192.0.2.7", "::1");
  const ProxiedConnection good = connection("192.0.2.7", "10.0.0.1");

  EXPECT_EQ(write_proxy_v1(mixed, out).error(), Fault::bad_proxy_header);
  EXPECT_EQ(write_proxy_v2(mixed, "", out).error(), Fault::bad_proxy_header);
  EXPECT_EQ(write_proxy_v2(good, std::string(256, 'a'), out).error(), Fault::bad_proxy_header);
  EXPECT_EQ(write_proxy_v1(good, std::span(out).first(20)).error(), Fault::no_space);
  EXPECT_EQ(write_proxy_v2(good, "", std::span(out).first(20)).error(), Fault::no_space);
}

TEST(IpAddress, IsReadStrictlyAndWrittenShort) {
  for (const std::string_view bad :
       {""sv, "1.2.3"sv, "01.2.3.4"sv, "1.2.3.4 "sv, "::g"sv, "[::1]"sv, "fe80::1%1"sv, "::1\0"sv,
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"sv}) {
    EXPECT_FALSE(parse_ip(bad)) << bad;
  }
  EXPECT_EQ(text_of(*parse_ip("2001:0DB8:0:0:0:0:0:1")), "2001:db8::1");
  EXPECT_EQ(text_of(*parse_ip("255.0.0.1")), "255.0.0.1");
}

}  // namespace
}  // namespace sinew::wire
