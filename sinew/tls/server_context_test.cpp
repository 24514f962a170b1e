#include "sinew/tls/server_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/tls/test_connection.hpp"

namespace sinew::tls {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

Certificate named(const std::string& common_name, const std::string& names,
                  KeyKind key = KeyKind::elliptic) {
  return authority().certificate({.common_name = common_name, .names = names, .key = key});
}

ServerOptions three_names() {
  ServerOptions options;
  options.identities.push_back({named("default", "DNS:default.test")});
  options.identities.push_back({named("wild", "DNS:*.shop.test,DNS:shop.test")});
  options.identities.push_back({.certificate = named("given", "DNS:ignored.test"),
                                .names = {"api.shop.test", "*.Given.test"}});
  return options;
}

struct Choice {
  const char* asked;
  const char* shown;
};

class TlsNames : public testing::TestWithParam<Choice> {};

TEST_P(TlsNames, ChooseTheCertificate) {
  const auto context = serve(three_names());

  const Certificate* shown = context->certificate_for(GetParam().asked);

  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(shown->name(), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsNames,
    testing::Values(Choice{"", "default"}, Choice{"default.test", "default"},
                    Choice{"shop.test", "wild"}, Choice{"a.shop.test", "wild"},
                    Choice{"A.Shop.TEST", "wild"}, Choice{"a.shop.test.", "wild"},
                    Choice{"a.b.shop.test", "default"}, Choice{"api.shop.test", "given"},
                    Choice{"x.given.test", "given"}, Choice{"given.test", "default"},
                    Choice{"ignored.test", "default"}, Choice{".shop.test", "default"},
                    Choice{".", "default"}, Choice{"test", "default"}));

TEST(ServerContext, ShowsTheCertificateOfTheNameThatIsAskedFor) {
  const auto context = serve(three_names());
  for (const auto& [asked, shown] :
       {std::pair("a.shop.test", "CN=wild"), std::pair("default.test", "CN=default")}) {
    Connection connection;
    connection.begin(context, call(), {asked});

    connection.shake_hands();

    EXPECT_FALSE(connection.client_error) << connection.client->failure();
    EXPECT_EQ(connection.client->peer_certificate()->subject, shown);
  }
}

TEST(ServerContext, RefusesUnknownNamesWhenToldTo) {
  ServerOptions options = three_names();
  options.refuse_unknown_names = true;
  Connection connection;
  connection.begin(serve(options), call(), {"elsewhere.test"});

  connection.shake_hands();

  EXPECT_EQ(connection.server_error, Fault::unknown_server_name) << connection.server->failure();
  EXPECT_EQ(connection.client_error, alert_code(112)) << connection.client->failure();
}

TEST(ServerContext, TheClientsSignaturesChooseBetweenTwoKinds) {
  ServerOptions options;
  options.identities.push_back({.certificate = named("elliptic", "DNS:orders.test"),
                                .alternative = named("rsa", "DNS:orders.test", KeyKind::rsa)});
  ClientOptions rsa_only;
  rsa_only.settings.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
  const auto context = serve(options);
  const auto shown = [&](const std::shared_ptr<const ClientContext>& client) {
    Connection connection;
    connection.begin(context, client);
    connection.shake_hands();
    EXPECT_FALSE(connection.client_error) << connection.client->failure();
    return connection.client->peer_certificate()->subject;
  };

  EXPECT_EQ(shown(call()), "CN=elliptic");

  ServerOptions old = options;  // of two kinds in TLS 1.2, where ciphers name the kind
  old.settings.maximum = Version::tls_1_2;
  const auto old_context = ServerContext::make(old);
  ASSERT_TRUE(old_context);
  Connection connection;
  connection.begin(*old_context, call(rsa_only));
  connection.shake_hands();
  EXPECT_EQ(connection.client->version(), "TLSv1.2") << connection.client->failure();
  EXPECT_EQ(connection.client->peer_certificate()->subject, "CN=rsa");
}

struct Applications {
  std::vector<std::string> ours;
  std::vector<std::string> theirs;
  const char* agreed;
};

TEST(ServerContext, ChoosesTheApplicationByItsOwnOrder) {
  for (const auto& row : {Applications{{"h2", "http/1.1"}, {"http/1.1", "h2"}, "h2"},
                          Applications{{"http/1.1"}, {"h2", "http/1.1"}, "http/1.1"},
                          Applications{{"h2"}, {}, ""}, Applications{{}, {"h2"}, ""}}) {
    Connection connection;
    ServerOptions options;
    options.applications = row.ours;
    connection.begin(serve(options), call({.applications = row.theirs}));

    connection.shake_hands();

    EXPECT_FALSE(connection.server_error) << connection.server->failure();
    EXPECT_EQ(connection.server->application(), row.agreed);
    EXPECT_EQ(connection.client->application(), row.agreed);
  }
}

TEST(ServerContext, RefusesAClientWithoutASharedApplication) {
  Connection connection;
  ServerOptions options;
  options.applications = {"h2"};
  connection.begin(serve(options), call({.applications = {"http/1.1"}}));

  connection.shake_hands();

  EXPECT_EQ(connection.server_error, Fault::no_shared_application);
  EXPECT_EQ(connection.client_error, alert_code(120)) << connection.client->failure();
}

ServerOptions asking(ClientCertificates mode) {
  ServerOptions options;
  options.client_certificates = mode;
  options.client_authorities = authority().pem();
  return options;
}

TEST(ServerContext, KnowsAClientByItsCertificate) {
  const Certificate own = authority().certificate(
      {.common_name = "orders",
       .names = "DNS:orders.internal,IP:10.0.0.7,IP:fd00::1,URI:spiffe://test/ns/default/sa/o"});
  for (const auto mode : {ClientCertificates::optional, ClientCertificates::required}) {
    Connection connection;
    connection.begin(serve(asking(mode)), call({.certificate = own}));

    connection.shake_hands();

    EXPECT_FALSE(connection.server_error) << connection.server->failure();
    const auto client = connection.server->peer_certificate();
    ASSERT_TRUE(client);
    EXPECT_EQ(client->subject, "CN=orders");
    EXPECT_EQ(client->issuer, "CN=Test Authority");
    EXPECT_THAT(client->dns_names, ElementsAre("orders.internal"));
    EXPECT_THAT(client->addresses, ElementsAre("10.0.0.7", "fd00::1"));
    EXPECT_THAT(client->uris, ElementsAre("spiffe://test/ns/default/sa/o"));
    EXPECT_EQ(client->fingerprint, own.details().fingerprint);
    EXPECT_EQ(client->fingerprint.size(), 64);
    EXPECT_FALSE(connection.exchange());
  }
}

TEST(ServerContext, AnOptionalCertificateMayBeMissing) {
  Connection connection;
  connection.begin(serve(asking(ClientCertificates::optional)), call());

  connection.shake_hands();

  EXPECT_FALSE(connection.server_error);
  EXPECT_EQ(connection.server->peer_certificate(), std::nullopt);
}

TEST(ServerContext, ARequiredCertificateMayNot) {
  Connection connection;
  connection.begin(serve(asking(ClientCertificates::required)), call());

  connection.shake_hands();

  EXPECT_EQ(connection.server_error, Fault::certificate_required);
  EXPECT_FALSE(connection.client_error);
  EXPECT_EQ(connection.client_node.run(read_all(*connection.client)).error, alert_code(116))
      << connection.client->failure();
}

struct WrongClient {
  const char* name;
  Certificate certificate;
  Fault fault;
};

TEST(ServerContext, RefusesAWrongClientEvenWhereNoneIsRequired) {
  const Authority stranger("Stranger");
  for (const auto& row :
       {WrongClient{"stranger", stranger.certificate({}), Fault::unknown_authority},
        WrongClient{"expired", authority().certificate({.not_after = 1'000'000'000}),
                    Fault::certificate_expired},
        WrongClient{"a server's", authority().certificate({.usage = "serverAuth"}),
                    Fault::wrong_purpose}}) {
    SCOPED_TRACE(row.name);
    Connection connection;
    connection.begin(serve(asking(ClientCertificates::optional)),
                     call({.certificate = row.certificate}));

    connection.shake_hands();

    EXPECT_EQ(connection.server_error, row.fault) << connection.server->failure();
    EXPECT_THAT(connection.server->failure(), HasSubstr("CN=test, issued by CN="));
    EXPECT_EQ(connection.client_node.run(read_all(*connection.client)).error.category(),
              alert_category());
  }
}

TEST(ServerContext, ConnectionsKeepTheCertificateTheyBeganWith) {
  Connection connection;
  auto before = serve();
  connection.begin(before, call());
  before.reset();  // as a reload does

  connection.shake_hands();

  EXPECT_FALSE(connection.client_error);
  EXPECT_FALSE(connection.exchange());
}

TEST(ServerContext, NamesEveryMistakeAtOnce) {
  ServerOptions options;
  options.identities.push_back(
      {.certificate = named("first", "DNS:a.test"), .names = {"a.test", "*", "a*.test", ""}});
  options.identities.push_back({.certificate = named("second", "DNS:b.test"), .names = {"A.test"}});
  options.applications = {std::string(256, 'x')};
  options.client_certificates = ClientCertificates::required;
  options.session_lifetime = std::chrono::seconds(0);
  options.settings.ciphers = "NONSENSE";
  options.settings.groups = "P-12";

  const auto made = ServerContext::make(options);

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(),
              ElementsAre(HasSubstr("ciphers of TLS 1.2 'NONSENSE'"), HasSubstr("groups 'P-12'"),
                          HasSubstr("first: '*' is no name"), HasSubstr("first: 'a*.test' is no"),
                          HasSubstr("first: '' is no name"),
                          HasSubstr("second: the name 'A.test' belongs to another"),
                          HasSubstr("has 256 bytes, not 1 to 255"),
                          HasSubstr("authorities: there is no certificate in it"),
                          HasSubstr("session lifetime of 0 s")));
}

TEST(ServerContext, RefusesAnAlternativeOfTheSameKind) {
  ServerOptions options;
  options.identities.push_back(
      {.certificate = named("one", "DNS:a.test"), .alternative = named("two", "DNS:a.test")});

  const auto made = ServerContext::make(options);

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), ElementsAre("one and its alternative two have keys of the same kind"));
}

TEST(ServerContext, RefusesAKeyThatIsTooWeak) {
  ServerOptions options;
  options.identities.push_back(
      {authority().certificate({.common_name = "weak", .key = KeyKind::weak_rsa})});

  const auto made = ServerContext::make(options);

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(),
              ElementsAre(HasSubstr("weak: the certificate CN=weak cannot be used: ee key too")));
}

TEST(ServerContext, RefusesVersionsInTheWrongOrder) {
  ServerOptions options;
  options.identities.push_back({named("one", "DNS:a.test")});
  options.settings.minimum = Version::tls_1_3;
  options.settings.maximum = Version::tls_1_2;

  const auto made = ServerContext::make(options);

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), testing::Contains("the highest version of TLS is below the lowest"));
}

TEST(ServerContext, NeedsACertificate) {
  const auto made = ServerContext::make({});

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), ElementsAre("a server needs at least one certificate"));
}

}  // namespace
}  // namespace sinew::tls
