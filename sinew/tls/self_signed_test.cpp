#include "sinew/tls/self_signed.hpp"

#include <gtest/gtest.h>

#include "sinew/tls/test_certificates.hpp"
#include "sinew/tls/test_connection.hpp"

namespace sinew::tls {
namespace {

Timestamp noon() { return Timestamp(std::chrono::seconds(1'900'000'000)); }

TEST(SelfSigned, IsShownToClientsThatVerifyNothing) {
  test::Connection connection;
  ServerOptions options;
  options.identities.push_back({self_signed_certificate("localhost", noon())});
  ClientOptions calling;
  calling.verify = false;
  auto client = ClientContext::make(std::move(calling));
  ASSERT_TRUE(client);
  connection.begin(test::serve(options), *client, {"anything.test"});

  connection.shake_hands();

  EXPECT_FALSE(connection.client_error) << connection.client->failure();
  EXPECT_FALSE(connection.server_error);
}

TEST(SelfSigned, SaysWhoseItIsAndUntilWhen) {
  const auto made = self_signed_certificate("localhost", noon(), std::chrono::days(2));

  EXPECT_EQ(made.details().subject, "CN=localhost");
  EXPECT_EQ(made.details().issuer, "CN=localhost");
  EXPECT_FALSE(made.warning(noon(), std::chrono::hours(1)));
  EXPECT_TRUE(made.warning(noon() + std::chrono::days(3)));
}

TEST(SelfSigned, HasAKeyOfItsOwn) {
  const auto one = self_signed_certificate("localhost", noon());
  const auto other = self_signed_certificate("localhost", noon());

  EXPECT_NE(one.details().fingerprint, other.details().fingerprint);
}

TEST(Authorities, AreOneCertificateThatMayIssueOthers) {
  const test::Authority authority;

  EXPECT_EQ(authority_problem(authority.pem()), std::nullopt);
  EXPECT_TRUE(authority_problem(authority.pem() + authority.pem()));
  EXPECT_TRUE(authority_problem(authority.issue({}).certificate));
  EXPECT_TRUE(authority_problem("no PEM"));
}

}  // namespace
}  // namespace sinew::tls
