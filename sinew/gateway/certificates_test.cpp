#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/gateway/test_configuration.hpp"

namespace sinew::gateway {
namespace {

using testing::HasSubstr;

// Made for these tests; they protect nothing.
const std::string kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBfzCCASWgAwIBAgIUeCiG8a+aPp3Vacmi21luqbeBL54wCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJYS5leGFtcGxlMCAXDTI2MTEyMTIwNDU0MFoYDzIxMjYxMDI4\n"
    "MjA0NTQwWjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAATt2P1AV9smhiHkxZdAPOzTGMcRRHbYVa3/mOrmsayovrszHs97cAAL\n"
    "njXH0L7i9VMRazlj8QEMLTR6LiDUwPYVo1MwUTAdBgNVHQ4EFgQUJNJJzOKnG54H\n"
    "zPY98dqzMpRgERkwHwYDVR0jBBgwFoAUJNJJzOKnG54HzPY98dqzMpRgERkwDwYD\n"
    "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAYOlGrbkP1gRh66/54Tgqq\n"
    "G4VzlhEB+H4UwEqTe53VxwIhAJxXN0yHtK+dBdABSWmEcNkEz/odx2YaHgl0/bIq\n"
    "GoxA\n"
    "-----END CERTIFICATE-----\n";
const std::string kKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqHC8soWfCdf7gl6p\n"
    "o7gN6u3fM2YLqba5E/x4bkWHD9mhRANCAATt2P1AV9smhiHkxZdAPOzTGMcRRHbY\n"
    "Va3/mOrmsayovrszHs97cAALnjXH0L7i9VMRazlj8QEMLTR6LiDUwPYV\n"
    "-----END PRIVATE KEY-----\n";
const std::string kOtherKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ7wB5xURBRXpeu9L\n"
    "0DzKGgL0LRC4NqE+AuZ86gyBlDOhRANCAARxyjldrUQf2S6p2xsm4dJBsp4upZbZ\n"
    "7mzQrs7jo1vhB4OjoogDdqG6/Kt6Ra9Xia7iY2tYNbNMhQSIMILB/Y+X\n"
    "-----END PRIVATE KEY-----\n";

std::string indented(const std::string& pem) {
  std::string out = "    ";
  for (const char byte : pem)
    out += byte == '\n' ? std::string("\n    ") : std::string(1, byte);
  return out;
}

std::string file_with(const std::string& key) {
  return "certificates:\n- cert: |\n" + indented(kCertificate) + "\n  key: |\n" + indented(key) +
         "\n  snis: [{name: A.Example.}, {name: \"*.b.example\"}]\n";
}

TEST(Certificates, OfAFileHaveTheirNames) {
  const auto read = valid(file_with(kKey));

  ASSERT_EQ(read.certificates.size(), 1U);
  EXPECT_EQ(read.certificates[0].pair->details().subject, "CN=a.example");
  ASSERT_EQ(read.certificates[0].snis.size(), 2U);
  EXPECT_EQ(read.certificates[0].snis[0].name.text, "a.example");
  EXPECT_EQ(read.certificates[0].snis[1].name.text, "*.b.example");
}

TEST(Certificates, OfAFileMustFitTheirKeys) {
  EXPECT_THAT(errors_of(file_with(kOtherKey)), HasSubstr("kong.yaml:3: certificates[0]: the key "));
}

TEST(Certificates, MayStandElsewhere) {
  const auto reading = read_configuration(
      kHeading +
          "certificates: [{sinew: {cert: env:CERT, key: env:KEY}, id: "
          "0d5e4bb1-5a5e-4b0a-a5e1-000000000001}]\n"
          "snis: [{name: a.example, certificate: 0d5e4bb1-5a5e-4b0a-a5e1-000000000001}]\n",
      "kong.yaml",
      [](const std::string& name) { return std::optional(name == "CERT" ? kCertificate : kKey); });

  EXPECT_EQ(lines_of(reading.errors) + lines_of(reading.warnings), "");
  ASSERT_TRUE(reading.configuration);
  EXPECT_EQ(reading.configuration->certificates[0].snis.size(), 1U);
}

}  // namespace
}  // namespace sinew::gateway
